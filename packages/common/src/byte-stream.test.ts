import { expect, test } from "vitest";
import { abortable, type ByteStream, collect, flow, raceAbort } from "./byte-stream.ts";

const never = new AbortController().signal;

async function* bytes(...texts: string[]): ByteStream {
  for (const text of texts) yield Buffer.from(text);
}

test("stages are applied in reading order", async () => {
  const upper = async function* (source: ByteStream): ByteStream {
    for await (const chunk of source) yield Buffer.from(chunk.toString().toUpperCase());
  };
  const doubled = async function* (source: ByteStream): ByteStream {
    for await (const chunk of source) yield Buffer.concat([chunk, chunk]);
  };
  const result = await collect(flow(never, bytes("a", "b"), upper, doubled), 100);
  expect(result.toString()).toBe("AABB");
});

test("an abort ends a pull from a source that never answers, with the signal's reason", async () => {
  const stop = new AbortController();
  const stuck = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
  const pulled = abortable(stuck, stop.signal).next();
  stop.abort(new Error("the run has ended"));
  await expect(pulled).rejects.toThrow("the run has ended");
  await expect(abortable(stuck, stop.signal).next()).rejects.toThrow("the run has ended");
});

test("leaving early closes the source, also one whose closing fails", async () => {
  let closed = 0;
  const source = {
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.resolve({ done: false as const, value: Buffer.from("x") }),
      return: () => {
        closed += 1;
        return Promise.reject(new Error("cannot close"));
      },
    }),
  };
  for await (const _ of abortable(source, never)) break;
  expect(closed).toBe(1);
});

test("a race with a signal that never aborts is the promise itself", async () => {
  await expect(raceAbort(Promise.resolve(7), never)).resolves.toBe(7);
  await expect(raceAbort(Promise.reject(new Error("no")), never)).rejects.toThrow("no");
  const aborted = AbortSignal.abort(new Error("before"));
  await expect(raceAbort(Promise.reject(new Error("no")), aborted)).rejects.toThrow("before");
});

test("collecting more than the limit throws instead of filling the memory", async () => {
  await expect(collect(bytes("abc", "def"), 5)).rejects.toThrow("more than 5 bytes");
  expect((await collect(bytes("abc"), 3)).toString()).toBe("abc");
});
