import { readdir } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { crc32 } from "node:zlib";
import { type Clock, PenstockError } from "@penstock/common";
import { expect, test } from "vitest";
import type { ObjectWriter, Target } from "../targets/target.ts";
import { openTarget } from "../targets/targets.ts";
import { createTemporaryDirectory } from "../targets/test-support.ts";
import { StreamWriter } from "./stream-writer.ts";

const NEVER = new AbortController().signal;
const PLACE = { key: "c/20260101000000/streams/s", scope: "c.run", segmentBytes: 1e9 };
const DATA = Buffer.alloc(700, 7);
const FRAME = { offset: 0, data: DATA, crc32: crc32(DATA) };

/** A clock whose intervals pass when told to. */
class ManualClock implements Clock {
  readonly #actions = new Set<() => void>();

  nowMs(): number {
    return 0;
  }

  async delay(): Promise<void> {}

  after(_ms: number, action: () => void): Disposable {
    return this.every(_ms, action);
  }

  every(_ms: number, action: () => void): Disposable {
    this.#actions.add(action);
    return { [Symbol.dispose]: () => void this.#actions.delete(action) };
  }

  /** One interval of each, and what comes of it at once. */
  async pass(): Promise<void> {
    for (const action of this.#actions) action();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function openFiles(folder: string): Promise<Target> {
  return await openTarget({ url: pathToFileURL(folder).href }, NEVER);
}

/** The target, with one thing about its writers changed. */
function changing(target: Target, change: (writer: ObjectWriter) => Partial<ObjectWriter>): Target {
  const create = target.create.bind(target);
  target.create = async (...args) => {
    const writer = await create(...args);
    const { write, flush, commit, abort } = writer;
    const own: ObjectWriter = {
      write: write.bind(writer),
      flush: flush.bind(writer),
      commit: commit.bind(writer),
      abort: abort.bind(writer),
    };
    return { ...own, ...change(writer) };
  };
  return target;
}

test("bytes that a target is still taking are not said to be durable, however long it takes", async () => {
  await using folder = await createTemporaryDirectory();
  await using files = await openFiles(folder.path);
  const gate = Promise.withResolvers<void>();
  let flushes = 0;
  const slow = changing(files, (writer) => ({
    async write(chunk) {
      await gate.promise;
      await writer.write(chunk);
    },
    flush() {
      flushes += 1;
      return writer.flush();
    },
  }));
  const clock = new ManualClock();
  const durable: number[] = [];
  const events = { onDurable: (offset: number) => durable.push(offset), onFailed() {} };
  await using writer = new StreamWriter(PLACE, events, clock);
  await writer.open([slow], NEVER);
  const written = writer.write(FRAME, NEVER);
  for (let turn = 0; turn < 3; turn++) await clock.pass();
  expect({ flushes, durable }).toEqual({ flushes: 0, durable: [] });
  gate.resolve();
  await written;
  for (let turn = 0; turn < 3; turn++) await clock.pass();
  await expect.poll(() => durable).toEqual([DATA.length]);
});

test("a flush that fails while the sender waits for room is told at once", async () => {
  await using folder = await createTemporaryDirectory();
  await using files = await openFiles(folder.path);
  const full = new PenstockError("failed", "no space left");
  const target = changing(files, () => ({ flush: () => Promise.reject(full) }));
  const clock = new ManualClock();
  const failed = Promise.withResolvers<Error>();
  await using writer = new StreamWriter(PLACE, { onDurable() {}, onFailed: failed.resolve }, clock);
  await writer.open([target], NEVER);
  await writer.write(FRAME, NEVER);
  for (let turn = 0; turn < 3; turn++) await clock.pass();
  expect(await failed.promise).toBe(full);
});

test("a target that fails leaves nothing of what the others have begun", async () => {
  await using folder = await createTemporaryDirectory();
  await using files = await openFiles(folder.path);
  await using other = await openFiles(folder.path);
  other.create = () => Promise.reject(new PenstockError("failed", "no space left"));
  const writer = new StreamWriter(PLACE, { onDurable() {}, onFailed() {} });
  await expect(writer.open([files, other], NEVER)).rejects.toThrow("no space left");
  await writer[Symbol.asyncDispose]();
  const left = await readdir(folder.path, { recursive: true, withFileTypes: true });
  const unfinished = left.filter((entry) => entry.isFile() && entry.name.includes("streams"));
  expect(unfinished).toEqual([]);
});
