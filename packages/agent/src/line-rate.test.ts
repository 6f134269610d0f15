import { expect, test } from "vitest";
import { LineRate } from "./line-rate.ts";

test("what exceeds the rate is left out, and how much is told", () => {
  const passed: string[] = [];
  let nowMs = 0;
  const rate = new LineRate(
    (line) => passed.push(line),
    () => nowMs,
  );
  for (let index = 0; index < 60; index += 1) rate.push(`${index}`);
  expect(passed).toHaveLength(50);
  nowMs = 1000;
  rate.push("later");
  expect(passed.slice(50)).toEqual(["(10 lines left out)", "later"]);
  rate.end();
  expect(passed).toHaveLength(52);
});

test("lines left out at the end are told too", () => {
  const passed: string[] = [];
  const rate = new LineRate(
    (line) => passed.push(line),
    () => 0,
  );
  for (let index = 0; index < 51; index += 1) rate.push(`${index}`);
  rate.end();
  expect(passed.at(-1)).toBe("(1 lines left out)");
});
