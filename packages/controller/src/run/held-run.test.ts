import type { RunEvent } from "@penstock/proto";
import { expect, onTestFinished, test, vi } from "vitest";
import type { AgentClient } from "./agent-client.ts";
import { HeldRun } from "./held-run.ts";

test("an agent that is not yet held is not lost, however old the process is", () => {
  const held = new HeldRun({
    agent: { name: "sdw1" } as AgentClient,
    ref: { run: "20261120104512", token: Buffer.alloc(32) },
    leaseMs: performance.now(),
    report() {},
    onLine() {},
    onStreamFailed() {},
    onPluginRequest() {},
  });
  expect(held.isLost).toBe(false);
});

test("a controller that has stood still says so, also if it hears of that before it looks", async () => {
  const heard = Promise.withResolvers<void>();
  const aborted = { $case: "runAborted", value: { reason: "its lease has run out" } } as const;
  async function* watch(): AsyncGenerator<RunEvent> {
    await heard.promise;
    yield { number: 1n, atMs: 0n, event: aborted };
    await new Promise(() => {});
  }
  const held = new HeldRun({
    agent: { name: "sdw1", watch: watch as AgentClient["watch"] } as AgentClient,
    ref: { run: "20261120104512", token: Buffer.alloc(32) },
    leaseMs: 30_000,
    report() {},
    onLine() {},
    onStreamFailed() {},
    onPluginRequest() {},
  });
  const over = held.hold(new AbortController().signal);
  const laterMs = performance.now() + 40_000;
  vi.spyOn(performance, "now").mockImplementation(() => laterMs);
  onTestFinished(() => void vi.restoreAllMocks());
  heard.resolve();
  await expect(over).rejects.toThrow(
    "this controller stood still for 40s: agent sdw1 gave up the run: its lease has run out",
  );
});
