import { PenstockError } from "@penstock/common";
import { expect, test } from "vitest";
import { joined, together } from "./together.ts";

test("several errors list every host, and the weightiest decides, whoever answers first", () => {
  const skewed = new PenstockError("failed", "agent h2: its clock is wrong", { hint: "NTP" });
  const gone = new PenstockError("unreachable", "agent h3: connection refused", {
    hint: "start it",
  });
  for (const errors of [
    [skewed, gone],
    [gone, skewed],
  ]) {
    expect(joined(errors)).toMatchObject({ code: "unreachable", hint: "start it" });
    for (const { message } of errors) expect(joined(errors).message).toContain(message);
  }
});

test("one error is thrown as it is, after all others are done", async () => {
  const done: number[] = [];
  const error = new PenstockError("failed", "agent h1: no");
  const action = async (item: number): Promise<void> => {
    if (item === 1) throw error;
    done.push(item);
  };
  await expect(together([1, 2, 3], action)).rejects.toBe(error);
  expect(done).toEqual([2, 3]);
});

test("a cause that ends many is told once", () => {
  const lost = (): PenstockError => new PenstockError("unreachable", "agent h1: no sign of life");
  expect(joined([lost(), lost()]).message).toBe(lost().message);
  expect(joined([lost(), lost(), new Error("x")]).message).toMatch(/^2 problems:/);
});
