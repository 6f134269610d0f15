import { expect, test } from "vitest";
import { RunCounts } from "./run-counts.ts";

test("exits are counted by tool and result, also those that never happened", () => {
  const counts = new RunCounts(["pg_dump", "sh"]);
  for (const exitCode of [0, 0, 3]) {
    counts.toolStarted();
    counts.toolExited("pg_dump", { exitCode, signal: undefined });
  }
  counts.toolStarted();
  counts.toolStarted();
  counts.toolExited("pg_dump", { exitCode: undefined, signal: "SIGKILL" });
  expect(counts.exits).toEqual([
    { tool: "pg_dump", result: "ok", count: 2 },
    { tool: "pg_dump", result: "error", count: 1 },
    { tool: "pg_dump", result: "signal", count: 1 },
    { tool: "sh", result: "ok", count: 0 },
    { tool: "sh", result: "error", count: 0 },
    { tool: "sh", result: "signal", count: 0 },
  ]);
  expect(counts.toolsRunning).toBe(1);
});

test("runs are counted by how they ended", () => {
  const counts = new RunCounts([]);
  counts.runEnded("lease");
  counts.runEnded("released");
  counts.runEnded("released");
  expect(counts.ended).toEqual({ released: 2, aborted: 0, lease: 1 });
});
