import { expect, test } from "vitest";
import { run } from "../harness/child.ts";
import { programWords } from "../harness/programs.ts";
import { toPlan } from "./shell-plan.ts";
import { openStage } from "./stage.ts";

const stage = openStage({ hosts: ["sdw1"] });

test("a reader that has enough ends `cat` quietly, as it does any program of a pipeline", async () => {
  const streams = [{ name: "rows", kind: "stdout" }];
  const nightly = toPlan(stage, { hosts: ["sdw1"], streams, backup: "seq 1 2000000" });
  await stage.cluster.configure({ plans: { nightly } });
  await stage.backup("nightly");
  const args = ["--config", stage.cluster.configFile, "cat", "LATEST", "rows"];
  const pipeline = `{ ${programWords("penstock", args)}; echo "status $?" >&2; } | head -n 2`;
  const { stdout, stderr } = await run("/bin/sh", ["-c", pipeline], {}, stage.signal);
  expect(stdout).toBe("1\n2\n");
  expect(stderr).toBe("status 141\n");
});
