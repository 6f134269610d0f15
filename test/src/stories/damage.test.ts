import { randomBytes } from "node:crypto";
import { access, appendFile, copyFile, open, rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import type { Manifest } from "@penstock/common";
import { beforeAll, describe, expect, test } from "vitest";
import { copyPlan } from "./shell-plan.ts";
import { openStage } from "./stage.ts";

const MIB = 2 ** 20;
const stage = openStage({ hosts: ["sdw1", "sdw2"] });
let plain: Manifest;
let packed: Manifest;

beforeAll(async () => {
  // More than a part, so that a consumer gets something before the damage is met.
  await stage.put("sdw1", "in", randomBytes(20 * MIB));
  await stage.put("sdw2", "in", "rows\n");
  const plan = (settings: object): object => copyPlan(stage, ["sdw1", "sdw2"], { ...settings });
  const plans = { plain: plan({ compression: "none" }), packed: plan({ compression: "zstd" }) };
  await stage.cluster.configure({ plans });
  plain = await stage.backup("plain");
  packed = await stage.backup("packed");
});

/** The object of sdw1, as a key. */
const objectOf = ({ streams }: Manifest): string => streams[0]?.objects[0]?.key ?? "";
const partsOf = (manifest: Manifest): string => `${objectOf(manifest)}.parts`;
const manifestOf = ({ cluster, set }: Manifest): string => `${cluster}/${set}/manifest.json`;
const pathOf = (key: string): string => join(stage.cluster.store, key);

describe("an object that was changed is found by verify, and by a restore before its consumer is told that all is well", () => {
  test.for([
    ["its first byte", () => plain, 0, "bytes 0 to 16777216"],
    ["its middle", () => plain, 10 * MIB, "bytes 0 to 16777216"],
    ["its last byte", () => plain, 20 * MIB - 1, "bytes 16777216 to 20971520"],
    ["a byte in a compressed object", () => packed, 18 * MIB, "bytes 16777216 to "],
  ] as const)("%s", async ([, set, offset, range]) => {
    const manifest = set();
    await using _damage = await damage(objectOf(manifest), (path) => flip(path, offset));
    await expectDamage(manifest, ["stream app-sdw1 of sdw1", objectOf(manifest), range]);
  });
});

describe("a set that is visibly incomplete is not restored at all", () => {
  test.for([
    [
      "an object is cut short",
      () => objectOf(plain),
      (path: string) => truncate(path, 20 * MIB - 1),
    ],
    ["an object is too long", () => objectOf(plain), (path: string) => appendFile(path, "x")],
    ["an object is gone", () => objectOf(plain), (path: string) => rm(path)],
    ["a list of parts is gone", () => partsOf(plain), (path: string) => rm(path)],
    ["a list of parts was changed", () => partsOf(plain), (path: string) => flip(path, 20)],
  ] as const)("%s", async ([, key, change]) => {
    await using _damage = await damage(key(), change);
    await expectDamage(plain, ["stream app-sdw1 of sdw1", key()]);
    await expect(access(join(stage.dataOf("sdw1"), "out"))).rejects.toThrow("ENOENT");
  });

  test("its manifest was changed, be it by a single digit of a size", async () => {
    const key = manifestOf(plain);
    const { size } = await stat(pathOf(key));
    for (const offset of [10, Math.floor(size / 2), size - 2]) {
      await using _damage = await damage(key, (path) => flip(path, offset));
      await stage.fails(4, [key], "verify", plain.set);
    }
    await using _damage = await damage(key, (path) => flip(path, 100));
    await expectDamage(plain, [key]);
    await expect(access(join(stage.dataOf("sdw1"), "out"))).rejects.toThrow("ENOENT");
  });
});

test("cat ends with an error where the bytes are not what was stored", async () => {
  await using _damage = await damage(objectOf(plain), (path) => flip(path, 17 * MIB));
  const words = ["stream app-sdw1 of sdw1", objectOf(plain), "bytes 16777216 to 20971520"];
  const { stdout } = await stage.fails(4, words, "cat", plain.set, "app-sdw1");
  expect(stdout.length).toBeGreaterThan(0); // what comes before the damage can still be of use
});

test("verify names everything that is damaged, not only the first", async () => {
  const others = packed.streams[1]?.objects[0]?.key ?? "";
  await using _one = await damage(objectOf(packed), (path) => flip(path, 5));
  await using _two = await damage(others, (path) => rm(path));
  const { stdout } = await stage.fails(
    4,
    ["stream app-sdw1 of sdw1", objectOf(packed), "stream app-sdw2 of sdw2", others],
    "verify",
    packed.set,
    "-o",
    "json",
  );
  const result = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
  expect(result).toMatchObject({
    event: "result",
    set: packed.set,
    status: "failed",
    code: "damaged",
  });
});

test("a damaged set does not keep the others from being listed and restored", async () => {
  await using _damage = await damage(manifestOf(packed), (path) => truncate(path, 100));
  const outcome = await stage.fails(4, [manifestOf(packed)], "list", "-o", "json");
  expect(JSON.parse(outcome.stdout)).toMatchObject([{ set: plain.set, status: "committed" }]);
  await stage.ok("restore", "plain", "--set", plain.set);
});

/** `verify` and `restore` say so, and the restore's consumer has not seen a good end. */
async function expectDamage({ set, plan }: Manifest, words: readonly string[]): Promise<void> {
  await stage.fails(4, words, "verify", set);
  for (const name of ["out", "out.complete"]) {
    await rm(join(stage.dataOf("sdw1"), name), { force: true });
  }
  await stage.fails(4, words, "restore", plan, "--set", set);
  await expect(access(join(stage.dataOf("sdw1"), "out.complete"))).rejects.toThrow("ENOENT");
}

let damages = 0;

/** Changes an object; disposing puts it back as it was. */
async function damage(
  key: string,
  change: (path: string) => Promise<void>,
): Promise<AsyncDisposable> {
  const path = pathOf(key);
  const copy = join(stage.dir, `undamaged-${++damages}`); // several may be damaged at a time
  await copyFile(path, copy);
  await change(path);
  return { [Symbol.asyncDispose]: () => copyFile(copy, path) };
}

async function flip(path: string, offset: number): Promise<void> {
  await using file = await open(path, "r+");
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, offset);
  byte[0] = (byte[0] ?? 0) ^ 1;
  await file.write(byte, 0, 1, offset);
}
