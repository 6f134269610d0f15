import { join } from "node:path";
import { pino } from "pino";
import { expect, test } from "vitest";
import { LocalStreamHost } from "./local-stream-host.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { PluginSessions } from "./plugin/plugin-sessions.ts";
import type { RunOwner } from "./run.ts";
import { RunCounts } from "./run-counts.ts";
import { Runs } from "./runs.ts";
import { createFolder } from "./testing.ts";
import { TransferService } from "./transfer-service.ts";

async function openRuns() {
  const folder = await createFolder();
  const service = new TransferService("warehouse", () => {});
  const mainHost = new LocalStreamHost(service, new MemoryBudget(1, 1));
  const log = pino({ level: "silent" });
  const plugin = { socket: "", executable: "/plugin", sessions: new PluginSessions("sdw1", log) };
  const runs = new Runs({
    ...{ roots: [folder.path], tools: {}, stateDirectory: join(folder.path, "state") },
    ...{ hosts: [mainHost], mainHost, plugin, counts: new RunCounts([]), log },
  });
  runs.accept();
  return {
    runs,
    async [Symbol.asyncDispose]() {
      await runs[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const owner = (changes: Partial<RunOwner> = {}): RunOwner => ({
  ...{ run: "20260101000000", token: Buffer.alloc(32, 1), plan: "nightly" },
  ...{ holder: "operator", leaseMs: 60_000, ...changes },
});

test("whoever knows the token may begin a run again, also while it is being opened", async () => {
  await using opened = await openRuns();
  const { runs } = opened;
  await Promise.all([runs.begin(owner()), runs.begin(owner())]);
  await runs.begin(owner());
  expect(runs.list()).toHaveLength(1);
});

test("the same name with another token is refused as taken, and the plan stays locked", async () => {
  await using opened = await openRuns();
  const { runs } = opened;
  await runs.begin(owner());
  const token = Buffer.alloc(32, 2);
  await expect(runs.begin(owner({ token }))).rejects.toMatchObject({
    code: "locked",
    place: { list: "run" },
  });
  const other = owner({ run: "20260101000001", token });
  await expect(runs.begin(other)).rejects.toMatchObject({
    code: "locked",
    message: expect.stringContaining("plan nightly is locked by operator"),
  });
});
