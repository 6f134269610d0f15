import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startToolGrace } from "./tool-grace.ts";

const NEVER: AbortSignal = new AbortController().signal;
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function start(waitingSinceMs: () => number | undefined, signal = NEVER) {
  const giveUp = vi.fn();
  const grace = startToolGrace({ graceMs: 1000, waitingSinceMs }, giveUp, signal);
  return { giveUp, grace };
}

test("a stream that has waited since before its tool's exit gets the grace from the exit on", () => {
  const { giveUp } = start(() => 0);
  vi.advanceTimersByTime(999);
  expect(giveUp).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(giveUp).toHaveBeenCalledOnce();
  vi.advanceTimersByTime(10_000);
  expect(giveUp).toHaveBeenCalledOnce();
});

test("a stream that moves on is not given up, however long it takes", () => {
  let waitingSinceMs: number | undefined = performance.now();
  const { giveUp } = start(() => waitingSinceMs);
  for (let step = 0; step < 10; step++) {
    vi.advanceTimersByTime(800);
    waitingSinceMs = performance.now();
  }
  waitingSinceMs = undefined; // it waits for somebody else
  vi.advanceTimersByTime(10_000);
  expect(giveUp).not.toHaveBeenCalled();
});

test("an agent that has itself stood still first sees what has come meanwhile", () => {
  let waitingSinceMs: number | undefined = performance.now();
  const { giveUp } = start(() => waitingSinceMs);
  vi.advanceTimersByTime(200);
  const laterMs = performance.now() + 60_000; // no timer has come in all this time
  const clock = vi.spyOn(performance, "now").mockReturnValue(laterMs);
  vi.advanceTimersByTime(200);
  clock.mockRestore();
  expect(giveUp).not.toHaveBeenCalled();
  waitingSinceMs = undefined; // its end was there
  vi.advanceTimersByTime(10_000);
  expect(giveUp).not.toHaveBeenCalled();
});

test("nothing is given up once it is disposed of, or its signal aborts", () => {
  const abort = new AbortController();
  const disposed = start(() => 0);
  const aborted = start(() => 0, abort.signal);
  disposed.grace[Symbol.dispose]();
  abort.abort();
  vi.advanceTimersByTime(10_000);
  expect(disposed.giveUp).not.toHaveBeenCalled();
  expect(aborted.giveUp).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});

test("a stream without a grace is given up at once", () => {
  const giveUp = vi.fn();
  startToolGrace({ graceMs: 0, waitingSinceMs: () => performance.now() }, giveUp, NEVER);
  vi.advanceTimersByTime(1);
  expect(giveUp).toHaveBeenCalledOnce();
});
