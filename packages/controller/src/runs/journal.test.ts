import { appendFile, mkdir, readdir, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { runOnSmallDisk } from "../targets/small-disk.ts";
import {
  createTemporaryDirectory,
  openFilesBelow,
  type TemporaryDirectory,
} from "../targets/test-support.ts";
import { Journal, type JournalState, readJournal } from "./journal.ts";
import { journalHead, receiptOf } from "./journal-samples.ts";
import type { RunFolder } from "./run-folder.ts";

const FULL_JOURNAL: string = fileURLToPath(new URL("./full-journal.child.ts", import.meta.url));
const RUN = "20261120104512";
const HEAD = journalHead(RUN);
const LONG_AGO = new Date("2001-01-01T00:00:00.000Z");

let directory: TemporaryDirectory;
let folder: RunFolder;
let file: string;
beforeEach(async () => {
  directory = await createTemporaryDirectory();
  folder = { cluster: "warehouse", run: RUN, path: join(directory.path, "run") };
  file = join(folder.path, "journal.jsonl");
  await mkdir(folder.path);
});
afterEach(async () => {
  expect(await openFilesBelow(directory.path)).toEqual([]);
  await directory[Symbol.asyncDispose]();
});

function neverBroken(error: Error): void {
  expect.unreachable(error.message);
}

/** A journal that was written so, by a process that is dead. */
async function write(steps: (journal: Journal) => Promise<unknown>): Promise<void> {
  await using journal = await Journal.create(folder, HEAD, neverBroken);
  await steps(journal);
}

/** The same, by the process that went on. */
async function goOn(steps: (journal: Journal) => Promise<unknown>): Promise<void> {
  await using journal = await Journal.reopen(folder, neverBroken);
  await steps(journal);
}

async function read(): Promise<JournalState> {
  const state = await readJournal(folder);
  if (state === undefined) throw new Error("there is no journal");
  return state;
}

async function names(): Promise<string[]> {
  return (await read()).receipts.map(({ name }) => name);
}

describe("a journal", () => {
  test("says what was written, from its first call on", async () => {
    await using journal = await Journal.create(folder, HEAD, neverBroken);
    expect(await read()).toMatchObject({ head: HEAD, hasBegun: false, receipts: [] });
    await journal.started();
    expect(await read()).toMatchObject({ head: HEAD, hasBegun: true, receipts: [] });
    await journal.stored(receiptOf("a"));
    expect((await read()).receipts).toEqual([receiptOf("a")]);
  });

  test("keeps what the hosts have said, and the lists of a tool of others", async () => {
    const files = { "mdw:/b/list": { text: "sdw1:/b/a\n", modifiedMs: 1.5 } };
    const answers = { output: { listing: "line\n" }, files };
    const head = { ...HEAD, answers, lists: { pipes: "mdw:/b/p\n", regularFiles: "" } };
    await using _journal = await Journal.create(folder, head, neverBroken);
    expect((await read()).head).toEqual(head);
  });

  test("keeps the order in which it was told, also of what is told at one time", async () => {
    const streams = Array.from({ length: 50 }, (_, index) => `stream-${index}`);
    await write((journal) => Promise.all(streams.map((name) => journal.stored(receiptOf(name)))));
    expect(await names()).toEqual(streams);
  });

  test("is gone on with by another process", async () => {
    await write((journal) => journal.stored(receiptOf("a")));
    await goOn((journal) => journal.stored(receiptOf("b")));
    expect(await names()).toEqual(["a", "b"]);
  });

  test("holds a secret: nobody else may read it, whatever the umask", async () => {
    const before = process.umask(0);
    onTestFinished(() => void process.umask(before));
    await write(() => Promise.resolve());
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test("is gone when it is removed, and may be removed again", async () => {
    await write(async (journal) => {
      await journal.remove();
      await journal.remove();
    });
    expect(await readJournal(folder)).toBeUndefined();
  });
});

describe("that its process is alive is said", () => {
  const agesAgo = (): Promise<void> => utimes(file, LONG_AGO, LONG_AGO);

  test("by the time of the file", async () => {
    await write(() => Promise.resolve());
    await agesAgo();
    expect((await read()).aliveMs).toBe(LONG_AGO.getTime());
  });

  test("as soon as another goes on with it", async () => {
    await write(() => Promise.resolve());
    await agesAgo();
    await goOn(() => Promise.resolve());
    expect((await read()).aliveMs).toBeGreaterThan(LONG_AGO.getTime());
  });

  test("every five seconds, and no more once it is closed", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    await write(async () => {
      await agesAgo();
      vi.advanceTimersByTime(5_000);
    });
    expect((await read()).aliveMs).toBeGreaterThan(LONG_AGO.getTime());
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("of a process that was killed while it wrote", () => {
  test.each(["{", '{"entry":"sto', '{"entry":"stored","receipt":{"name":"torn",', "\0\0\0\0"])(
    "the last line, %j, is passed over",
    async (torn) => {
      await write((journal) => journal.stored(receiptOf("a")));
      await appendFile(file, `\n${torn}`);
      expect(await names()).toEqual(["a"]);
    },
  );

  test("a torn line swallows nothing of what the next one writes", async () => {
    await write((journal) => journal.stored(receiptOf("a")));
    await appendFile(file, '\n{"entry":"sto');
    await goOn((journal) => journal.stored(receiptOf("b")));
    await appendFile(file, '\n{"entry"');
    await goOn((journal) => journal.started());
    expect(await read()).toMatchObject({ head: HEAD, hasBegun: true });
    expect(await names()).toEqual(["a", "b"]);
  });

  test("a line that wants only its end is whole", async () => {
    await write(() => Promise.resolve());
    await appendFile(file, '\n{"entry":"started"}');
    expect(await read()).toMatchObject({ hasBegun: true });
  });

  test.each(["", "\n", '\n{"entry":"begun","head":{"formatVersion":1,"se'])(
    "a journal that does not even say what its run is, %j, is none",
    async (text) => {
      await writeFile(file, text);
      expect(await readJournal(folder)).toBeUndefined();
    },
  );
});

describe("what is no journal is damaged:", () => {
  const begun = JSON.stringify({ entry: "begun", head: HEAD });
  test.each([
    ["another's JSON", '{"name":"penstock"}'],
    ["a number", "7"],
    ["an entry of another version", `${begun}\n{"entry":"paused"}`],
    ["a head of another version", begun.replace('"formatVersion":1', '"formatVersion":2')],
    ["a receipt with a hole", `${begun}\n{"entry":"stored","receipt":{"name":"a"}}`],
    ["an entry that says more than it should", `${begun}\n{"entry":"started","twice":true}`],
  ])("%s", async (_, text) => {
    await writeFile(file, `${text}\n`);
    const message = expect.stringContaining(file);
    await expect(readJournal(folder)).rejects.toMatchObject({ code: "damaged", message });
  });

  test("a folder: that cannot be read at all", async () => {
    await mkdir(file);
    const message = expect.stringContaining(file);
    await expect(readJournal(folder)).rejects.toMatchObject({ code: "failed", message });
  });
});

describe("a journal that cannot be written any more", () => {
  test("says so once, is gone, and is no hindrance to its run", async () => {
    await symlink("/dev/full", file);
    const told: Error[] = [];
    await using journal = await Journal.reopen(folder, (error) => told.push(error));
    await Promise.all([journal.started(), journal.stored(receiptOf("a"))]);
    await journal.stored(receiptOf("b"));
    const message = expect.stringMatching(new RegExp(`^journal ${file}: ENOSPC`));
    expect(told).toEqual([expect.objectContaining({ code: "failed", message })]);
    expect(await readdir(folder.path)).toEqual([]);
    await journal.remove();
  });

  test("and cannot be removed either says so once, too", async () => {
    await write(() => Promise.resolve());
    const told: Error[] = [];
    await using journal = await Journal.reopen(folder, (error) => told.push(error));
    await rm(file);
    await mkdir(join(file, "in the way"), { recursive: true });
    await journal.remove();
    await journal.stored(receiptOf("a"));
    await journal.remove();
    expect(told).toEqual([
      expect.objectContaining({ message: expect.stringContaining(`journal ${file}`) }),
    ]);
  });

  test("is not begun where there is no folder", async () => {
    const nowhere = { ...folder, path: join(folder.path, "none") };
    const message = expect.stringContaining(`journal ${nowhere.path}/journal.jsonl: ENOENT`);
    const created = Journal.create(nowhere, HEAD, neverBroken);
    await expect(created).rejects.toMatchObject({ code: "failed", message });
  });

  test("is not begun on a full disk, and leaves nothing there or open", async () => {
    const child = ["--conditions=source", FULL_JOURNAL, folder.path];
    const { stdout } = await runOnSmallDisk(folder.path, process.execPath, child);
    const outcome = expect.stringMatching(new RegExp(`^journal ${file}: (ENOSPC|EFBIG)`));
    expect(JSON.parse(stdout)).toEqual({ outcome, left: [], open: [] });
  });

  test("is not begun over another, which stays as it is", async () => {
    await write((journal) => journal.stored(receiptOf("a")));
    await expect(Journal.create(folder, HEAD, neverBroken)).rejects.toThrow(/EEXIST/);
    expect(await names()).toEqual(["a"]);
  });
});

test("garbage in place of a journal is damaged, not none", async () => {
  await using folder = await createTemporaryDirectory();
  await writeFile(join(folder.path, "journal.jsonl"), "\x00\x01 no journal\n");
  const read = readJournal({ cluster: "c", run: "r", path: folder.path });
  await expect(read).rejects.toThrow(/journal .*journal\.jsonl is not what Penstock writes$/);
});
