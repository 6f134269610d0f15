import { expect, test } from "vitest";
import { openWindow, type PaceWindow } from "./pace-windows.ts";

const at = (time: string): Date => new Date(`2026-03-14T${time}:30`);
const WINDOWS: readonly PaceWindow[] = [
  { from: "22:00", to: "06:00", rate: undefined },
  { from: "05:00", to: "12:30", rate: 1 },
  { rate: 2 },
];

test.each([
  ["21:59", 2],
  ["22:00", undefined],
  ["23:59", undefined],
  ["00:00", undefined],
  ["05:59", undefined],
  ["06:00", 1],
  ["12:29", 1],
  ["12:30", 2],
])("at %s the first window that is open says the rate", (time, rate) => {
  expect(openWindow(WINDOWS, at(time))).toMatchObject({ rate });
});

test("outside of all windows none is open", () => {
  expect(openWindow(WINDOWS.slice(0, 1), at("12:00"))).toBeUndefined();
  expect(openWindow([], at("12:00"))).toBeUndefined();
});
