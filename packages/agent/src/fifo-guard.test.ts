import { closeSync, constants } from "node:fs";
import { expect, test } from "vitest";
import { openFifo } from "./fifo.ts";
import { FifoGuard } from "./fifo-guard.ts";
import { openReadEnd } from "./fifo-pair.ts";
import { FifoWriter } from "./fifo-writer.ts";
import { createPipe, isWaiting, shell } from "./testing.ts";

const never = new AbortController().signal;

test("while the guard is held the consumer sees no end, whoever closes", async () => {
  await using pipe = await createPipe();
  await using guard = await FifoGuard.open(pipe.path);
  await using consumer = shell('exec cat "$1"', pipe.path);
  for (const text of ["one\n", "two\n"]) {
    const writer = await FifoWriter.open(pipe.path, never);
    await writer.write(Buffer.from(text));
    await writer.end();
    expect(`${await consumer.line()}\n`).toBe(text);
  }
  await guard.release();
  await guard.release();
  expect(await consumer.exited).toEqual({ code: 0, signal: null });
});

test("a guard is no reader: the writer still waits for the consumer", async () => {
  await using pipe = await createPipe();
  await using _guard = await FifoGuard.open(pipe.path);
  expect(() => openFifo(pipe.path, constants.O_WRONLY)).toThrow("ENXIO");
});

test("the writer still learns that the consumer has closed", async () => {
  await using pipe = await createPipe();
  await using _guard = await FifoGuard.open(pipe.path);
  await using consumer = shell('exec head -c 1 "$1"', pipe.path);
  await using writer = await FifoWriter.open(pipe.path, never);
  await writer.write(Buffer.from("x"));
  await consumer.exited;
  await expect(writer.write(Buffer.from("y"))).rejects.toThrow("its reader has closed it");
});

test("when the release is over the keeper holds nothing: closing the writer is the end", async () => {
  await using pipe = await createPipe();
  await using guard = await FifoGuard.open(pipe.path);
  await using consumer = shell('exec cat "$1"', pipe.path);
  await using writer = await FifoWriter.open(pipe.path, never);
  await guard.release();
  await writer.end();
  expect(await consumer.exited).toEqual({ code: 0, signal: null });
});

test("of guards that share a keeper each lets go of its own pipe alone", async () => {
  await using one = await createPipe();
  await using other = await createPipe();
  const [first, second] = await FifoGuard.openAll([one.path, other.path]);
  expect(first?.keeper).toBe(second?.keeper);
  await using consumer = shell('exec cat "$1"', one.path);
  await using waiting = shell('exec cat "$1"', other.path);
  const writers = [
    await FifoWriter.open(one.path, never),
    await FifoWriter.open(other.path, never),
  ] as const;
  await first?.release();
  for (const writer of writers) await writer.write(Buffer.from("row\n"));
  for (const writer of writers) await writer.end();
  expect(await consumer.exited).toEqual({ code: 0, signal: null });
  expect(await waiting.line()).toBe("row");
  await expect.poll(() => isWaiting(waiting.pid)).toBe(true); // there would be its end to read
  await second?.release();
  expect(await waiting.exited).toEqual({ code: 0, signal: null });
});

test("a reading end for a tool needs a guard that is still held", async () => {
  await using pipe = await createPipe();
  const guard = await FifoGuard.open(pipe.path);
  closeSync(openReadEnd(guard));
  await guard.release();
  expect(() => openReadEnd(guard)).toThrow("has no guard");
});
