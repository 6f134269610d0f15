import { expect, test } from "vitest";
import { inBatches } from "./in-batches.ts";

const ITEMS = Array.from({ length: 150 }, (_, item) => item);

test("all items get their results, in order, and never more than 64 are under way", async () => {
  let underWay = 0;
  let most = 0;
  const double = async (item: number): Promise<number> => {
    underWay += 1;
    most = Math.max(most, underWay);
    await Promise.resolve();
    underWay -= 1;
    return 2 * item;
  };
  const results = await inBatches(ITEMS, (batch) => Promise.all(batch.map(double)));
  expect(results).toEqual(ITEMS.map((item) => 2 * item));
  expect(most).toBe(64);
});

test("after a batch that fails nothing is done any more", async () => {
  const done: number[] = [];
  const action = async (batch: readonly number[]): Promise<number[]> => {
    done.push(batch.length);
    throw new Error("no");
  };
  await expect(inBatches(ITEMS, action)).rejects.toThrow("no");
  expect(done).toEqual([64]);
});

test("nothing is done for no items", async () => {
  expect(await inBatches([], () => Promise.reject(new Error("no")))).toEqual([]);
});
