import { PenstockError } from "@penstock/common";
import type { Tally } from "@penstock/proto";
import { expect, test } from "vitest";
import type { AgentStream, Moved } from "./stream.ts";
import { StreamCounts } from "./stream-counts.ts";
import { addNumbers, closedNumbers } from "./stream-numbers.ts";

const TALLY: Tally = {
  ...{ rawBytes: 0n, rawSha256: Buffer.alloc(0), storedBytes: 0n, storedSha256: Buffer.alloc(0) },
};

/** A stream whose way is what the test says. */
class ScriptedStream implements AgentStream {
  readonly #opened = Promise.withResolvers<void>();
  readonly #done = Promise.withResolvers<Tally>();
  readonly opened: Promise<void> = this.#opened.promise;
  readonly done: Promise<Tally> = this.#done.promise;
  readonly pace = undefined;
  moved: Moved = { rawBytes: 0, storedBytes: 0, heldBytes: 0, limitBytes: 64 };

  accept(): void {}
  toolEnded(): void {}
  letEnd(): void {}
  async open(): Promise<void> {
    this.#opened.resolve();
    await this.opened;
  }
  async end(): Promise<void> {
    this.#done.resolve(TALLY);
    await this.done;
  }
  async fail(): Promise<void> {
    this.#done.reject(new PenstockError("failed", "its pipe was never opened"));
    await this.done.catch(() => {});
  }
  async [Symbol.asyncDispose](): Promise<void> {}
}

test("a stream waits, flows and is done, and is no stream any more when it is closed", async () => {
  const counts = new StreamCounts();
  const stream = new ScriptedStream();
  const counted = counts.add("backup", stream);
  expect(counts.numbers.backup).toMatchObject({ waiting: 1, flowing: 0, done: 0, failed: 0 });
  await stream.open();
  expect(counts.numbers.backup).toMatchObject({ waiting: 0, flowing: 1, done: 0, failed: 0 });
  await stream.end();
  expect(counts.numbers.backup).toMatchObject({ waiting: 0, flowing: 0, done: 1, failed: 0 });
  counted.close();
  expect(counts.numbers.backup).toMatchObject({ waiting: 0, flowing: 0, done: 0, failed: 0 });
});

test("a stream that fails before its tool has come stays failed", async () => {
  const counts = new StreamCounts();
  const stream = new ScriptedStream();
  counts.add("restore", stream);
  await stream.fail();
  await stream.open();
  expect(counts.numbers.restore).toMatchObject({ waiting: 0, flowing: 0, failed: 1 });
});

test("bytes and reconnects of closed streams stay, once, and what they held does not", () => {
  const counts = new StreamCounts();
  const [first, second] = [new ScriptedStream(), new ScriptedStream()];
  first.moved = { rawBytes: 100, storedBytes: 40, heldBytes: 8, limitBytes: 64 };
  const counted = counts.add("backup", first);
  counted.reconnected();
  counts.add("backup", second).reconnected();
  second.moved = { rawBytes: 1, storedBytes: 2, heldBytes: 3, limitBytes: 64 };
  const all = { rawBytes: 101, storedBytes: 42, reconnects: 2 };
  expect(counts.numbers.backup).toMatchObject({ ...all, heldBytes: 11, limitBytes: 128 });
  counted.close();
  counted.close();
  expect(counts.numbers.backup).toMatchObject({ ...all, heldBytes: 3, limitBytes: 64 });
});

test("a stream that is done may hold nothing more once all of it is acknowledged", async () => {
  const counts = new StreamCounts();
  const stream = new ScriptedStream();
  counts.add("backup", stream);
  stream.moved = { rawBytes: 9, storedBytes: 9, heldBytes: 9, limitBytes: 64 };
  await stream.end();
  expect(counts.numbers.backup.limitBytes).toBe(64);
  stream.moved = { ...stream.moved, heldBytes: 0 };
  expect(counts.numbers.backup.limitBytes).toBe(0);
});

test("threads are added up, and one that has died keeps what it counted", () => {
  const [one, other] = [new StreamCounts(), new StreamCounts()];
  for (const counts of [one, other]) {
    const stream = new ScriptedStream();
    counts.add("restore", stream).reconnected();
    stream.moved = { rawBytes: 5, storedBytes: 4, heldBytes: 0, limitBytes: 0 };
  }
  const both = addNumbers([one.numbers, closedNumbers(other.numbers)]);
  expect(both.restore).toMatchObject({ waiting: 1, rawBytes: 10, storedBytes: 8, reconnects: 2 });
});
