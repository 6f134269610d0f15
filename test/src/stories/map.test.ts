import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { copyPlan } from "./shell-plan.ts";
import { openStage } from "./stage.ts";

const stage = openStage({ hosts: ["sdw1", "sdw2"] });

/** The plan with these hosts. */
async function configure(...hosts: string[]): Promise<void> {
  await stage.cluster.configure({ plans: { nightly: copyPlan(stage, hosts) } });
}

test("a host that is gone is restored on another one", async () => {
  const bytes = randomBytes(200_000);
  await stage.put("sdw1", "in", bytes);
  await configure("sdw1");
  const { set } = await stage.backup("nightly");
  const gone = stage.cluster.host("sdw1");
  await gone.child.stop();
  await configure("sdw2");
  await stage.ok("restore", "nightly", "--set", set, "--map", "sdw1=sdw2");
  expect(await readFile(join(stage.dataOf("sdw2"), "out"))).toEqual(bytes);
  await gone.start(stage.signal);
});

test("what --map says must be in the set, and in the configuration", async () => {
  await stage.put("sdw1", "in", "rows");
  await configure("sdw1");
  await stage.backup("nightly");
  const restore = ["restore", "nightly", "--set", "LATEST", "--map"];
  await stage.fails(2, ["has nothing of sdw7"], ...restore, "sdw7=sdw2");
  await stage.fails(2, ['unknown agent "sdw9"'], ...restore, "sdw1=sdw9");
  await stage.fails(2, ["--map sdw1: allowed: FROM=TO"], ...restore, "sdw1");
});

test("what the plan's producer cannot do is refused before anything is made", async () => {
  await stage.put("sdw1", "in", "rows");
  await configure("sdw1");
  await stage.backup("nightly");
  const restore = ["restore", "nightly", "--set", "LATEST"];
  await stage.fails(2, ["--metadata-only", "whole sets only"], ...restore, "--metadata-only");
  await stage.fails(2, ["-j 4", "has no further options"], ...restore, "--", "-j", "4");
  await stage.fails(
    2,
    ["whose tool has no lists"],
    "backup",
    "nightly",
    "--from-lists",
    "/dev/null",
    "/dev/null",
  );
});
