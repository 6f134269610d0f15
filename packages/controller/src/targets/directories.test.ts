import { mkdir, readdir, rmdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { makeDirectories, pruneDirectories, retryIfPruned, syncDirectory } from "./directories.ts";
import { createTemporaryDirectory, type TemporaryDirectory } from "./test-support.ts";

let temporary: TemporaryDirectory;
let root: string;
beforeEach(async () => {
  temporary = await createTemporaryDirectory();
  root = temporary.path;
});
afterEach(() => temporary[Symbol.asyncDispose]());

it("makes a directory with its parents, closed to the world, and is content if it is there", async () => {
  await makeDirectories(join(root, "a/b/c"));
  await makeDirectories(join(root, "a/b/c"));
  for (const path of ["a", "a/b", "a/b/c"]) {
    expect((await stat(join(root, path))).mode & 0o007).toBe(0);
  }
});

it("may be asked many times at once", async () => {
  await Promise.all(Array.from({ length: 20 }, () => makeDirectories(join(root, "a/b/c"))));
  expect(await readdir(join(root, "a/b"))).toEqual(["c"]);
});

it("ends where a parent takes no children", async () => {
  await expect(makeDirectories("/proc/none/a/b")).rejects.toMatchObject({ code: "ENOENT" });
});

it("a step that finds its directory pruned is repeated", async () => {
  const directory = join(root, "a/b");
  const pruneOnce = [(): Promise<void> => rmdir(directory)];
  await retryIfPruned(async () => {
    await makeDirectories(directory);
    await pruneOnce.pop()?.();
    await writeFile(join(directory, "file"), "text");
  });
  expect(await readdir(directory)).toEqual(["file"]);
});

it("a step that never finds what it needs fails in the end, and any other failure at once", async () => {
  const missing = retryIfPruned(() => readdir(join(root, "none")));
  await expect(missing).rejects.toMatchObject({ code: "ENOENT" });
  let calls = 0;
  const other = retryIfPruned(() => {
    calls++;
    return readdir("/dev/null");
  });
  await expect(other).rejects.toMatchObject({ code: "ENOTDIR" });
  expect(calls).toBe(1);
});

it("accepts a file system that cannot sync directories", async () => {
  await syncDirectory("/proc"); // says EINVAL
});

it("does not accept a directory that is not there", async () => {
  await expect(syncDirectory(join(root, "a"))).rejects.toMatchObject({ code: "ENOENT" });
});

it("prunes empty directories, also where others have begun, up to the first in use", async () => {
  await mkdir(join(root, "a/b/c/d"), { recursive: true });
  await mkdir(join(root, "a/x"));
  expect(await pruneDirectories(join(root, "a/b/c/d/gone"), root)).toBe(join(root, "a"));
  expect(await readdir(root, { recursive: true })).toEqual(["a", "a/x"]);
});

it("never prunes the top", async () => {
  await mkdir(join(root, "a"));
  expect(await pruneDirectories(join(root, "a"), root)).toBe(root);
  expect(await readdir(root)).toEqual([]);
});
