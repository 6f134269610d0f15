import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { claimPath, placeByClaim } from "./claim.ts";
import {
  createTemporaryDirectory,
  type TemporaryDirectory,
  withoutPrivilege,
} from "./test-support.ts";

let temporary: TemporaryDirectory;
let area: string;
let final: string;
beforeEach(async () => {
  temporary = await createTemporaryDirectory();
  area = join(temporary.path, ".partial");
  final = join(temporary.path, "final");
  await mkdir(area);
});
afterEach(() => temporary[Symbol.asyncDispose]());

it("a file gets its name, and the claim is gone", async () => {
  await writeFile(join(area, "1"), "text");
  expect(await placeByClaim(join(area, "1"), final, area)).toBe(true);
  expect(await readFile(final, "utf8")).toBe("text");
  expect(await readdir(area)).toEqual([]);
});

it("a race has one winner, and its file stays", async () => {
  const names = Array.from({ length: 30 }, (_, i) => `${i}`);
  for (const name of names) await writeFile(join(area, name), name);
  const races = names.map((name) => placeByClaim(join(area, name), final, area));
  const winners = (await Promise.all(races)).flatMap((won, i) => (won ? [names[i]] : []));
  expect(winners).toEqual([await readFile(final, "utf8")]);
  expect(await readdir(area)).toHaveLength(names.length - 1);
});

it("a taken name stays as it is", async () => {
  await writeFile(join(area, "1"), "new");
  await writeFile(final, "old");
  expect(await placeByClaim(join(area, "1"), final, area)).toBe(false);
  expect(await readFile(final, "utf8")).toBe("old");
  expect(await readdir(area)).toEqual(["1"]);
});

it("a name that somebody else has claimed is taken", async () => {
  await writeFile(join(area, "1"), "text");
  await mkdir(claimPath(final, area));
  expect(await placeByClaim(join(area, "1"), final, area)).toBe(false);
  expect(await readdir(temporary.path)).toEqual([".partial"]);
});

it("no room for a claim is an error", async () => {
  await writeFile(join(area, "1"), "text");
  await chmod(temporary.path, 0o777);
  await chmod(area, 0o555);
  const placing = withoutPrivilege(() => placeByClaim(join(area, "1"), final, area));
  await expect(placing).rejects.toMatchObject({ code: "EACCES" });
  await chmod(area, 0o755);
  expect(await readdir(temporary.path)).toEqual([".partial"]);
});
