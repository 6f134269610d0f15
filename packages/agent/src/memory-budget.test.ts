import { expect, test } from "vitest";
import { MemoryBudget } from "./memory-budget.ts";

const MIB = 1024 * 1024;

test("the total is shared out among the streams that are open, within each one's limit", () => {
  const budget = new MemoryBudget(64 * MIB, 32 * MIB);
  expect(budget.share()).toBe(32 * MIB);
  const places = Array.from({ length: 4 }, () => budget.join());
  expect(budget.share()).toBe(16 * MIB);
  for (const place of places) place[Symbol.dispose]();
  expect(budget.share()).toBe(32 * MIB);
});

test("a stream that is closed twice gives its share back once", () => {
  const budget = new MemoryBudget(64 * MIB, 64 * MIB);
  const place = budget.join();
  using _first = budget.join();
  using _second = budget.join();
  for (const _ of [1, 2, 3]) place[Symbol.dispose]();
  expect(budget.share()).toBe(32 * MIB);
});
