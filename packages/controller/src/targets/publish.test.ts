import { chmod, link, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { publish } from "./publish.ts";
import {
  createTemporaryDirectory,
  type TemporaryDirectory,
  withoutPrivilege,
} from "./test-support.ts";

let temporary: TemporaryDirectory;
let root: string;
beforeEach(async () => {
  temporary = await createTemporaryDirectory();
  root = temporary.path;
  await mkdir(join(root, ".partial"));
});
afterEach(() => temporary[Symbol.asyncDispose]());

const partial = (name: string): string => join(root, ".partial", name);

describe("publishing a file", () => {
  it("gives it its name, in new folders, and takes the partial one away", async () => {
    await writeFile(partial("1"), "text");
    expect(await publish(partial("1"), join(root, "a/b/c"), root)).toBe(true);
    expect(await readFile(join(root, "a/b/c"), "utf8")).toBe("text");
    expect(await readdir(join(root, ".partial"))).toEqual([]);
  });

  it("returns false for a taken name and leaves both files", async () => {
    await writeFile(partial("1"), "new");
    await writeFile(join(root, "a"), "old");
    expect(await publish(partial("1"), join(root, "a"), root)).toBe(false);
    expect(await readFile(join(root, "a"), "utf8")).toBe("old");
    expect(await readFile(partial("1"), "utf8")).toBe("new");
  });

  it("knows its own link, as NFS shows it when an answer was lost", async () => {
    await writeFile(partial("1"), "text");
    await link(partial("1"), join(root, "a"));
    expect(await publish(partial("1"), join(root, "a"), root)).toBe(true);
  });

  it("fails when the partial file has been swept", async () => {
    const publishing = publish(partial("gone"), join(root, "a"), root);
    await expect(publishing).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("shows nothing when the name cannot be made durable", async () => {
    await mkdir(join(root, "a"));
    await writeFile(partial("1"), "text");
    for (const path of [partial("1"), partial("."), root]) await chmod(path, 0o777);
    await chmod(join(root, "a"), 0o333); // it takes new names, but cannot be opened for a sync
    const publishing = withoutPrivilege(() => publish(partial("1"), join(root, "a/b"), root));
    await expect(publishing).rejects.toMatchObject({ code: "EACCES" });
    await chmod(join(root, "a"), 0o777);
    expect(await readdir(join(root, "a"))).toEqual([]);
  });
});

// The kernel refuses to link a directory as a file system without hard links refuses any file.
it("publishing where links are refused gives the name all the same, and leaves nothing else", async () => {
  await mkdir(partial("1"));
  await mkdir(partial("2"));
  expect(await publish(partial("1"), join(root, "a/b"), root)).toBe(true);
  expect(await publish(partial("2"), join(root, "a/b"), root)).toBe(false);
  expect(await readdir(join(root, "a"))).toEqual(["b"]);
  expect(await readdir(join(root, ".partial"))).toEqual(["2"]);
});
