import { expect, test } from "vitest";
import type { AgentClient } from "./agent-client.ts";
import { HeldRun } from "./held-run.ts";

test("an agent that is not yet held is not lost, however old the process is", () => {
  const held = new HeldRun({
    agent: { name: "sdw1" } as AgentClient,
    ref: { run: "20261120104512", token: Buffer.alloc(32) },
    leaseMs: Math.max(1, performance.now() / 2),
    report() {},
    onLine() {},
    onStreamFailed() {},
    onPluginRequest() {},
  });
  expect(held.isLost).toBe(false);
});
