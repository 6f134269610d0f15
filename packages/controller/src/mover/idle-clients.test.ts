import type { Client } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type IdleClient, IdleClients } from "./idle-clients.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A connection of which it is seen whether it is closed. */
function idle(windowBytes = 1000): IdleClient & { isClosed: boolean } {
  const close = (): void => {
    left.isClosed = true;
  };
  const left = { client: { close } as unknown as Client, windowBytes, isClosed: false };
  return left;
}

test("a connection that was left serves the next stream, and one at a time", () => {
  const clients = new IdleClients();
  const one = idle();
  clients.leave(one);
  expect(clients.take(1000)).toBe(one);
  expect(clients.take(1000)).toBeUndefined();
  vi.advanceTimersByTime(60_000);
  expect(one.isClosed).toBe(false);
});

test("nobody gets one whose window is larger than his share, or far smaller", () => {
  const clients = new IdleClients();
  clients.leave(idle(1000));
  expect(clients.take(999)).toBeUndefined();
  expect(clients.take(2001)).toBeUndefined();
  expect(clients.take(2000)).toBeDefined();
});

test("what nobody wants is closed, soon or at the end; of many some at once", () => {
  const clients = new IdleClients();
  const early = idle();
  clients.leave(early);
  vi.advanceTimersByTime(4_999);
  expect(early.isClosed).toBe(false);
  vi.advanceTimersByTime(1);
  expect(early.isClosed).toBe(true);
  const many = Array.from({ length: 40 }, () => idle());
  for (const each of many) clients.leave(each);
  expect(many.filter(({ isClosed }) => isClosed)).toHaveLength(8);
  clients.close();
  expect(many.every(({ isClosed }) => isClosed)).toBe(true);
});
