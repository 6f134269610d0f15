import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { copyPlan, toPlan } from "./shell-plan.ts";
import { expectFailure, openStage } from "./stage.ts";

const stage = openStage({ hosts: ["sdw1"] });

test("twenty pipes that never get a writer keep nothing else in their agent waiting, nor its end", async () => {
  const host = stage.cluster.host("sdw1");
  const names = Array.from({ length: 20 }, (_, index) => `pipe-${index}`);
  const streams = names.map((name) => ({ name, kind: "fifo", path: `{root}/{set}/${name}` }));
  const stuck = toPlan(stage, { hosts: ["sdw1"], streams, backup: "exec sleep 1000" });
  await stage.put("sdw1", "in", "rows\n".repeat(1_000_000));
  await stage.cluster.configure({ plans: { stuck, nightly: copyPlan(stage, ["sdw1"]) } });

  await using waiting = await stage.startPenstock("backup", "stuck", "-o", "json");
  await waiting.stdout.waitFor(/"event":"tool"/, stage.signal);
  const [set = ""] = await readdir(host.root);
  expect(await readdir(join(host.root, set))).toHaveLength(20);

  await stage.ok("check");
  const other = await stage.backup("nightly");
  await stage.ok("verify", other.set);
  await stage.ok("restore", "nightly", "--set", other.set);

  host.child.kill("SIGTERM");
  expect(await host.child.outcome).toMatchObject({ status: 0, stderr: "" });
  expectFailure(await waiting.outcome, 1, ["agent sdw1", "is being stopped"]);
  expect(await stage.cluster.leftOvers()).toEqual([]);

  await host.start(stage.signal);
  expect(await stage.sets()).toMatchObject([{ set: other.set }, { set, status: "failed" }]);
  await stage.backup("nightly");
});
