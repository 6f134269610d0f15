import { expect, test } from "vitest";
import { assertPaced, toPaces } from "./stream-pace.ts";
import type { StreamPlan } from "./stream-plan.ts";

const PLAN: StreamPlan = {
  name: "app",
  kind: "fifo",
  path: "/backups/app.pipe",
  direction: "backup",
  codec: "none",
  mode: 0o600,
  afterTool: false,
  format: undefined,
  isHeldOpen: false,
  mayExist: false,
  pluginRequest: 0,
  answerLater: false,
};

test("zero on the wire is as fast as it can", () => {
  const paces = [
    { name: "a", bytesPerSecond: 0n },
    { name: "b", bytesPerSecond: 2n ** 40n },
  ];
  expect(toPaces(paces)).toEqual([
    { name: "a", rate: undefined },
    { name: "b", rate: 2 ** 40 },
  ]);
});

test("only a stream from this host has a pace here", () => {
  expect(() => assertPaced(PLAN)).not.toThrow();
  expect(() => assertPaced({ ...PLAN, direction: "restore" })).toThrow(
    "stream app is written here: its mover has the pace",
  );
});
