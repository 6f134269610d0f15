import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { codecSuffix, type Manifest } from "@penstock/common";
import { afterEach, beforeEach, expect, test } from "vitest";
import { setKeys } from "../catalogue/keys.ts";
import { openTarget } from "../targets/targets.ts";
import { createTemporaryDirectory, type TemporaryDirectory } from "../targets/test-support.ts";
import { commit, finishCommit } from "./commit.ts";
import type { RunContext } from "./context.ts";

const NEVER: AbortSignal = new AbortController().signal;
const KEYS = setKeys("warehouse", "20240101000000");
const MANIFEST: Manifest = {
  formatVersion: 1,
  set: "20240101000000",
  cluster: "warehouse",
  plan: "nightly",
  producer: "command",
  status: "committed",
  startedAt: "2024-01-01T00:00:00.000Z",
  endedAt: "2024-01-01T00:00:01.000Z",
  streams: [],
};

let directory: TemporaryDirectory;
let targets: RunContext["targets"];
beforeEach(async () => {
  directory = await createTemporaryDirectory();
  targets = await Promise.all(["one", "two"].map(openAt));
});
afterEach(async () => {
  await Promise.all(targets.map(({ target }) => target[Symbol.asyncDispose]()));
  await directory[Symbol.asyncDispose]();
});

async function openAt(name: string): Promise<RunContext["targets"][number]> {
  const config = { url: pathToFileURL(join(directory.path, name)).href };
  return { name, config, target: await openTarget(config, NEVER) };
}

const files = async (): Promise<string[]> =>
  (await readdir(directory.path, { recursive: true }))
    .filter((name) => name.endsWith(".json"))
    .sort();

test("the manifest is written on every target", async () => {
  await commit({ targets }, MANIFEST, NEVER);
  expect(await files()).toEqual([`one/${KEYS.manifest}`, `two/${KEYS.manifest}`]);
});

test("if one target does not take it, no target keeps it, and nothing is overwritten", async () => {
  const [, two] = targets;
  await two?.target.putIfAbsent(KEYS.manifest, Buffer.from("another's"), NEVER);
  await expect(commit({ targets }, MANIFEST, NEVER)).rejects.toThrow(/two already has an object/);
  expect(await files()).toEqual([`two/${KEYS.manifest}`]);
  expect(await two?.target.stat(KEYS.manifest, NEVER)).toBe("another's".length);
});

test("a set whose object has another size than its manifest says is not committed", async () => {
  const key = KEYS.stream("app", codecSuffix("none"));
  const sha256 = "0".repeat(64);
  const object = { key, bytes: 3, sha256, parts: { key: `${key}.parts`, sha256 } };
  const receipt = { name: "app", host: "sdw1", kind: "fifo", path: "/p", codec: "none" } as const;
  const sizes = { bytesRaw: 3, bytesStored: 3, sha256Raw: sha256, sha256Stored: sha256 };
  const stream = {
    ...receipt,
    ...sizes,
    encrypted: false,
    objects: [object],
    tool: null,
    reconnects: 0,
  };
  const manifest = { ...MANIFEST, streams: [stream] };
  await expect(commit({ targets }, manifest, NEVER)).rejects.toThrow(/object .* of 3 bytes is not/);
  for (const { target } of targets) await target.putIfAbsent(key, Buffer.from("ab"), NEVER);
  await expect(commit({ targets }, manifest, NEVER)).rejects.toThrow(/of 3 bytes has 2 bytes/);
  expect(await files()).toEqual([]);
});

test.each([0, 1])(
  "a commit that got as far as target %i is finished with the same bytes",
  async (index) => {
    const [done] = targets.slice(index);
    await commit({ targets: done === undefined ? [] : [done] }, MANIFEST, NEVER);
    const finished = await finishCommit({ cluster: "warehouse", targets }, MANIFEST.set, NEVER);
    expect(finished).toEqual(MANIFEST);
    expect(await files()).toEqual([`one/${KEYS.manifest}`, `two/${KEYS.manifest}`]);
    const [one, two] = await Promise.all((await files()).map(read));
    expect(one).toEqual(two);
  },
);

test("a commit that has not begun is not finished, and nothing is written", async () => {
  const context = { cluster: "warehouse", targets };
  expect(await finishCommit(context, MANIFEST.set, NEVER)).toBeUndefined();
  expect(await files()).toEqual([]);
});

test("a commit whose manifest is damaged is not finished", async () => {
  await targets[0]?.target.putIfAbsent(KEYS.manifest, Buffer.from("{}"), NEVER);
  const finished = finishCommit({ cluster: "warehouse", targets }, MANIFEST.set, NEVER);
  await expect(finished).rejects.toMatchObject({ code: "damaged" });
  expect(await files()).toEqual([`one/${KEYS.manifest}`]);
});

async function read(name: string): Promise<Buffer> {
  return await readFile(join(directory.path, name));
}
