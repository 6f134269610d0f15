import { expect, test } from "vitest";
import { parseOffsets } from "./restore.ts";

test("reads gprestore's list of ranges", () => {
  expect(parseOffsets("1 36052452 43331503", "offsets")).toEqual([[36052452, 43331503]]);
  expect(parseOffsets("2 0 1 5 9\n", "offsets")).toEqual([
    [0, 1],
    [5, 9],
  ]);
  expect(parseOffsets("0", "offsets")).toEqual([]);
});

test.each(["", "x", "1", "1 2", "2 1 2 3", "1 2 3 4", "1 -2 3", "1 2.5 3", "1e1", "NaN 1 2"])(
  "refuses %j",
  (text) => {
    expect(() => parseOffsets(text, "offsets")).toThrow("offsets: not a number of ranges");
  },
);
