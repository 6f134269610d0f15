import { expect, test } from "vitest";
import { toPlan } from "./shell-plan.ts";
import { openStage } from "./stage.ts";

const stage = openStage({
  hosts: ["sdw1"],
  agentSettings: { memory: "16MiB", replayBuffer: "2MiB" },
});

test("streams and files far larger than an agent's memory flow all the same", async () => {
  const streams = [
    { name: "one", kind: "fifo", path: "{root}/{set}/one" },
    { name: "two", kind: "fifo", path: "{root}/{set}/two" },
  ];
  const write = "head -c 40M /dev/zero";
  const backup = `cd {root}/{set}; ${write} > log & ${write} > one & ${write} > two; wait`;
  const plan = { hosts: ["sdw1"], streams, backup, files: ["{root}/{set}/log"] };
  const nightly = toPlan(stage, { ...plan, settings: { compression: "none" } });
  await stage.cluster.configure({ plans: { nightly } });
  const { streams: stored } = await stage.backup("nightly");
  expect(stored.map(({ bytesStored }) => bytesStored)).toEqual(Array(3).fill(40 * 1024 * 1024));
  await stage.ok("verify", "LATEST");
});
