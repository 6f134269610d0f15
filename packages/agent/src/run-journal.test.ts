import {
  mkdir,
  readdir,
  readFile,
  rename,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeFifo } from "./fifo.ts";
import type { Made } from "./made.ts";
import { journalFolder, RunJournal } from "./run-journal.ts";
import { createFolder } from "./testing.ts";

test("a journal is read back as it was written, and is gone with its last entry", async () => {
  await using folder = await createFolder();
  const [one, two]: [Made, Made] = [
    { kind: "fifo", path: "/nowhere/one" },
    { kind: "file", path: "/nowhere/two", device: "1", inode: "2" },
  ];
  const journal = await RunJournal.open(folder.path, "../run 1");
  await Promise.all([journal.record([one]), journal.record([two])]);
  const names = await readdir(journalFolder(folder.path));
  expect(names).toEqual(["..%2Frun%201.json"]);
  const text = await readFile(join(journalFolder(folder.path), `${names[0]}`), "utf8");
  expect(JSON.parse(text)).toEqual({ version: 1, run: "../run 1", made: [one, two] });
  await journal.forget([one, two]);
  expect(await readdir(journalFolder(folder.path))).toEqual([]);
});

test("folders are removed from the deepest up, as far as they are empty", async () => {
  await using state = await createFolder();
  await using folder = await createFolder();
  const [top, deep, full] = ["top", "top/deep", "full"].map((name) => join(folder.path, name)) as [
    string,
    string,
    string,
  ];
  await mkdir(deep, { recursive: true });
  await mkdir(full);
  await writeFile(join(full, "foreign"), "");
  const journal = await RunJournal.open(state.path, "run");
  await journal.record([top, deep, full].map((path) => ({ kind: "folder", path })));
  await journal.removeMade();
  await journal.removeMade();
  expect(await readdir(folder.path)).toEqual(["full"]);
  expect(await readdir(journalFolder(state.path))).toEqual([]);
});

test("nothing is removed through a symbolic link that has taken a folder's place", async () => {
  await using state = await createFolder();
  await using folder = await createFolder();
  const [before, moved] = [join(folder.path, "before"), join(folder.path, "moved")];
  await mkdir(join(before, "sub"), { recursive: true });
  await makeFifo(join(before, "pipe"), 0o600);
  await writeFile(join(before, "file"), "");
  const journal = await RunJournal.open(state.path, "run");
  await journal.record([
    { kind: "folder", path: before },
    { kind: "folder", path: join(before, "sub") },
    { kind: "fifo", path: join(before, "pipe") },
    { kind: "temporary", path: join(before, "file") },
  ]);
  await rename(before, moved);
  await symlink(moved, before);
  await journal.removeMade();
  expect((await readdir(moved)).sort()).toEqual(["file", "pipe", "sub"]);
  expect((await readdir(folder.path)).sort()).toEqual(["before", "moved"]);
});

test("another file at the path of a restored one is left alone", async () => {
  await using state = await createFolder();
  await using folder = await createFolder();
  const path = join(folder.path, "file");
  await writeFile(path, "mine");
  const journal = await RunJournal.open(state.path, "run");
  await journal.record([{ kind: "file", path, device: "1", inode: "1" }]);
  await journal.removeMade();
  expect(await readFile(path, "utf8")).toBe("mine");
});

test("what cannot be removed stays in the journal and is named", async () => {
  await using state = await createFolder();
  const journal = await RunJournal.open(state.path, "run");
  await mkdir(join(state.path, "folder"));
  await journal.record([
    { kind: "folder", path: "/proc/sys" },
    { kind: "folder", path: join(state.path, "folder") },
  ]);
  await expect(journal.removeMade()).rejects.toMatchObject({
    code: "failed",
    message: expect.stringContaining("clean up after run run: /proc/sys: "),
  });
  expect(await readdir(state.path)).toEqual(["runs"]);
  const again = await RunJournal.open(state.path, "run");
  await expect(again.removeMade()).rejects.toThrow("/proc/sys");
});

test("strays are read back, and go with the rest", async () => {
  await using state = await createFolder();
  const journal = await RunJournal.open(state.path, "run");
  await journal.recordStrays({ strays: ["x 1"], pipes: ["/nowhere/one"] });
  await journal.recordStrays({ strays: ["x 1", "x 2"], pipes: ["/nowhere/two"] });
  const again = await RunJournal.load(state.path, "run.json");
  expect(again?.straySearch).toEqual({
    strays: ["x 1", "x 2"],
    pipes: ["/nowhere/one", "/nowhere/two"],
  });
  await journal.removeMade();
  expect(journal.straySearch).toEqual({ strays: [], pipes: [] });
  expect(await readdir(journalFolder(state.path))).toEqual([]);
});

test("what changes nothing is not written: a plugin's streams come by the thousands", async () => {
  await using state = await createFolder();
  const journal = await RunJournal.open(state.path, "run");
  await journal.recordStrays({ strays: ["x 1"], pipes: ["/nowhere/one"] });
  const path = join(journalFolder(state.path), "run.json");
  await utimes(path, 1, 1);
  await journal.record([]);
  await journal.recordStrays({ strays: ["x 1"], pipes: ["/nowhere/one"] });
  expect((await stat(path)).mtimeMs).toBe(1_000);
  await journal.recordStrays({ strays: ["x 1"], pipes: ["/nowhere/two"] });
  expect((await RunJournal.load(state.path, "run.json"))?.straySearch.pipes).toHaveLength(2);
});

test("the last sign of a run is in its journal, if it has one", async () => {
  await using folder = await createFolder();
  const journal = await RunJournal.open(folder.path, "run");
  await journal.giveSign();
  expect(await readdir(journalFolder(folder.path))).toEqual([]);
  await journal.recordStrays({ strays: ["x"], pipes: [] });
  const path = join(journalFolder(folder.path), "run.json");
  await utimes(path, 1, 1);
  expect((await RunJournal.load(folder.path, "run.json"))?.lastSignMs).toBe(1_000);
  const beforeMs = Date.now();
  await journal.giveSign();
  const loaded = await RunJournal.load(folder.path, "run.json");
  expect(loaded?.lastSignMs).toBeGreaterThanOrEqual(beforeMs - 1_000); // clocks of files are coarse
});
