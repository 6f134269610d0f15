import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTemporaryDirectory, type TemporaryDirectory } from "../targets/test-support.ts";
import { findDeadRuns } from "./find-dead.ts";
import { Journal } from "./journal.ts";
import { journalHead } from "./journal-samples.ts";
import { createRunFolder, type RunFolder } from "./run-folder.ts";
import { lockRun } from "./run-lock.ts";

const [OLD, NEW] = ["20261120104512", "20261120104513"];

let directory: TemporaryDirectory;
beforeEach(async () => {
  directory = await createTemporaryDirectory();
});
afterEach(() => directory[Symbol.asyncDispose]());

/** What a controller that was killed leaves of a run. */
async function leave(run: string): Promise<RunFolder> {
  const folder = await createRunFolder(directory.path, "warehouse", run);
  await using _journal = await Journal.create(folder, journalHead(run), () => {});
  return folder;
}

async function find(): Promise<string[]> {
  const found: string[] = [];
  for await (const { folder, journal } of findDeadRuns(directory.path, "warehouse")) {
    expect(journal.head.set).toBe(folder.run);
    found.push(folder.run);
  }
  return found;
}

test("where there never was a run there is no dead one", async () => {
  expect(await find()).toEqual([]);
});

test("a run with a journal and without a process is dead; the newest comes first", async () => {
  await leave(OLD);
  await leave(NEW);
  expect(await find()).toEqual([NEW, OLD]);
});

test("a run without a journal has ended, and another cluster's is no concern", async () => {
  await createRunFolder(directory.path, "warehouse", OLD);
  const folder = await createRunFolder(directory.path, "other", NEW);
  await using _journal = await Journal.create(folder, journalHead(NEW), () => {});
  expect(await find()).toEqual([]);
});

test("a run that a process is at work on is not dead", async () => {
  await leave(OLD);
  const folder = await leave(NEW);
  {
    await using _lock = await lockRun(folder);
    expect(await find()).toEqual([OLD]);
  }
  expect(await find()).toEqual([NEW, OLD]);
});

test("nobody else gets at a dead run while it is looked at, and everybody afterwards", async () => {
  const folder = await leave(OLD);
  for await (const _dead of findDeadRuns(directory.path, "warehouse")) {
    await expect(lockRun(folder)).rejects.toMatchObject({ code: "locked" });
    expect(await find()).toEqual([]);
  }
  await using _lock = await lockRun(folder);
});

test("who stops looking lets the run go", async () => {
  const folder = await leave(OLD);
  for await (const _dead of findDeadRuns(directory.path, "warehouse")) break;
  await using _lock = await lockRun(folder);
});

test("a run that ends just before its lock is free is not dead", async () => {
  await leave(OLD);
  const folder = await leave(NEW);
  await using lock = await lockRun(folder);
  const runs = findDeadRuns(directory.path, "warehouse");
  const journal = await Journal.reopen(folder, () => {});
  await journal.remove();
  await journal[Symbol.asyncDispose]();
  await lock[Symbol.asyncDispose]();
  expect((await runs.next()).value?.folder.run).toBe(OLD);
  await runs.return();
});

test.each([
  ["a journal that is damaged", (path: string) => writeFile(join(path, "journal.jsonl"), "7\n")],
  ["a journal that cannot be read", (path: string) => mkdir(join(path, "journal.jsonl"))],
])("%s hides no other run", async (_, spoil) => {
  await leave(OLD);
  const folder = await createRunFolder(directory.path, "warehouse", NEW);
  await spoil(folder.path);
  expect(await find()).toEqual([OLD]);
});

test("what is no folder at all hides no run", async () => {
  const { path } = await leave(OLD);
  await writeFile(path.replace(OLD, NEW), "");
  expect(await find()).toEqual([OLD]);
});
