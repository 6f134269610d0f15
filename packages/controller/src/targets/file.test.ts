import { execFile } from "node:child_process";
import { chmod, mkdir, readdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { collect } from "@penstock/common";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { describeTargetContract, type TargetPlace } from "./contract-suite.ts";
import { openFileTarget } from "./file.ts";
import { runOnSmallDisk } from "./small-disk.ts";
import type { Target } from "./target.ts";
import {
  createTemporaryDirectory,
  openFilesBelow,
  type TemporaryDirectory,
  withoutPrivilege,
} from "./test-support.ts";

const run = promisify(execFile);
const FULL_DISK: string = fileURLToPath(new URL("./full-disk.child.ts", import.meta.url));
const NEVER: AbortSignal = new AbortController().signal;

describeTargetContract("a directory", async () => placeAt(await createTemporaryDirectory()));

/** A place that, in the end, holds no open file and nothing that is half-written. */
function placeAt(directory: TemporaryDirectory): TargetPlace {
  const root = join(directory.path, "root");
  return {
    open: () => openAt(root),
    [Symbol.asyncDispose]: async () => {
      await using _directory = directory;
      await expect.poll(() => openFilesBelow(root)).toEqual([]);
      const names = await readdir(root).catch(() => []); // the root is made when first needed
      expect(names).not.toContain(".partial");
    },
  };
}

function openAt(path: string): Promise<Target> {
  return openFileTarget(pathToFileURL(path).href);
}

let directory: TemporaryDirectory;
let root: string;
let target: Target;
beforeEach(async () => {
  directory = await createTemporaryDirectory();
  root = join(directory.path, "backups/penstock");
  target = await openAt(root);
});
afterEach(async () => {
  await target[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

describe("the layout on disk:", () => {
  it("the root is made with its parents, when the first object is begun", async () => {
    await target.stat("a", NEVER);
    await target.sweep("run", NEVER);
    expect(await readdir(directory.path)).toEqual([]);
    const writer = await target.create("a", "run", NEVER);
    expect(await readdir(root)).toEqual([".partial"]);
    await writer.abort();
  });

  it("an object being written is below its run's partial directory", async () => {
    const writer = await target.create("a/b", "run", NEVER);
    const [opener, ...others] = await readdir(join(root, ".partial/run"));
    expect(others).toEqual([]);
    expect(await readdir(join(root, ".partial/run", `${opener}`))).toEqual([
      expect.stringMatching(/^0\.[0-9a-f]{16}\.a,b$/),
    ]);
    await writer.commit();
    expect(await readdir(join(root, ".partial/run", `${opener}`))).toEqual([]);
    await target.sweep("run", NEVER);
    expect(await readdir(root, { recursive: true })).toEqual(["a", "a/b"]);
  });

  it("objects and folders are closed to the world", async () => {
    await target.putIfAbsent("a/b", Buffer.from("text"), NEVER);
    for (const path of [root, join(root, "a"), join(root, "a/b")]) {
      expect((await stat(path)).mode & 0o007).toBe(0);
    }
  });

  it("a removed object takes empty folders with it, but not the root", async () => {
    await target.putIfAbsent("a/b/c", Buffer.from("text"), NEVER);
    await target.remove("a/b/c", NEVER);
    await target[Symbol.asyncDispose]();
    expect(await readdir(root)).toEqual([]);
  });

  it("disposing removes what its own writers left, and no other's", async () => {
    await using other = await openAt(root);
    const kept = await other.create("kept", "run", NEVER);
    await kept.write(Buffer.from("kept"));
    const lost = await target.create("lost", "run", NEVER);
    await target[Symbol.asyncDispose]();
    await expect(lost.commit()).rejects.toMatchObject({ code: "failed" });
    await lost.abort();
    await kept.commit();
    expect(await target.list("", NEVER)).toEqual(["kept"]);
  });
});

describe("what others have put there:", () => {
  it("a link, a pipe and a folder are no objects, and nobody waits for them", async () => {
    await target.putIfAbsent("file", Buffer.from("text"), NEVER);
    await mkdir(join(root, "folder"));
    await symlink(join(root, "file"), join(root, "link"));
    await run("mkfifo", [join(root, "pipe")]);
    for (const key of ["link", "pipe", "folder"]) {
      await expect(read(key)).rejects.toMatchObject({ code: "not_found" });
      expect(await target.stat(key, NEVER)).toBeUndefined();
      expect(await target.putIfAbsent(key, Buffer.from("x"), NEVER)).toBe(false);
    }
    expect(await target.list("", NEVER)).toEqual(["file"]);
  });

  it("files whose names are no keys are not listed", async () => {
    await mkdir(join(root, "lost+found"), { recursive: true });
    for (const name of ["lost+found/1", "my file", "ok"]) await writeFile(join(root, name), "x");
    expect(await target.list("", NEVER)).toEqual(["ok"]);
  });

  it("a key below an object cannot be committed", async () => {
    await target.putIfAbsent("a", Buffer.from("text"), NEVER);
    const writer = await target.create("a/b", "run", NEVER);
    await expect(writer.commit()).rejects.toMatchObject({ code: "failed" });
    await writer.abort();
  });
});

describe("a root that is not to be had is unreachable:", () => {
  it("a file", async () => {
    await writeFile(join(directory.path, "backups"), "");
    await expectUnreachable(target, /ENOTDIR/);
    await expect(target.list("", NEVER)).rejects.toMatchObject({ code: "unreachable" });
    await expect(target.stat("a", NEVER)).rejects.toMatchObject({ code: "unreachable" });
    await expect(read("a")).rejects.toMatchObject({ code: "unreachable" });
    await expect(target.remove("a", NEVER)).rejects.toMatchObject({ code: "unreachable" });
  });

  it("a place without room for directories", async () => {
    await using nowhere = await openAt("/proc/penstock/backups");
    await expectUnreachable(nowhere, /ENOENT/);
    expect(await nowhere.list("", NEVER)).toEqual([]);
  });

  it("a directory that is not ours", async () => {
    const writer = await target.create("a", "run", NEVER);
    await chmod(root, 0);
    const unreachable = { code: "unreachable" };
    await withoutPrivilege(async () => {
      await expectUnreachable(target, /EACCES/);
      await expect(target.list("", NEVER)).rejects.toMatchObject(unreachable);
      await expect(writer.commit()).rejects.toMatchObject(unreachable);
      await expect(writer.abort()).rejects.toMatchObject(unreachable);
      await expect(target.sweep("run", NEVER)).rejects.toMatchObject(unreachable);
      await expect(target[Symbol.asyncDispose]()).rejects.toMatchObject(unreachable);
    });
    await chmod(root, 0o700);
  });
});

it("a full disk is named with the object's url, and shows nothing half-written", async () => {
  const child = ["--conditions=source", FULL_DISK, pathToFileURL(directory.path).href];
  const { stdout, full } = await runOnSmallDisk(directory.path, process.execPath, child);
  const { outcome, ...rest } = JSON.parse(stdout);
  expect(outcome).toMatch(full);
  expect(outcome).toContain(`write ${pathToFileURL(directory.path).href}/big`);
  expect(rest).toEqual({ commit: outcome, listed: [], putAfter: true });
});

describe("a url must say what it means:", () => {
  it.each([
    "file:relative/path",
    "file://host/path",
    "file:///a?b",
    "file:///a#b",
    "file:///a%2Fb",
    "file:///a%00b",
  ])("%s", async (url) => {
    await expect(openFileTarget(url)).rejects.toMatchObject({ code: "usage" });
  });

  it.each([
    ["file:///", "file:///"],
    ["file:///a//", "file:///a"],
    ["FILE:///a%20b%3F", "file:///a%20b%3F"],
  ])("%s is %s", async (url, expected) => {
    await using opened = await openFileTarget(url);
    expect(opened.url).toBe(expected);
  });
});

function read(key: string): Promise<Buffer> {
  return collect(target.read(key, undefined, NEVER), 100);
}

async function expectUnreachable(unreachable: Target, message: RegExp): Promise<void> {
  const expected = { code: "unreachable", message: expect.stringMatching(message) };
  await expect(unreachable.create("a", "run", NEVER)).rejects.toMatchObject(expected);
}
