import { expect, test } from "vitest";
import { expectNothingLeft } from "./expect-nothing-left.ts";
import { openGreenplum, resultOf } from "./greenplum-stage.ts";

const stage = openGreenplum({ segments: ["sdw1", "sdw2"] });

test("a set comes back where another dbid on another host serves a segment, and the old host is gone", async () => {
  await stage.plan({ restore: ["-e"] });
  const { greenplum, cluster, signal } = stage;
  const before = await greenplum.checksums("testdb");
  const { set } = await stage.backup();
  await stage.empty();
  await greenplum.failOver(1, { host: "sdw1", dbid: 9 });
  await cluster.host("sdw2").child.stop();

  const refused = await stage.penstock("restore", "nightly", "--set", set);
  expect(refused).toMatchObject({ status: 6 });
  expect(refused.stderr).toMatch(/^error: .*sdw2/m);

  const mapped = ["--map", "sdw2=sdw1", "-o", "json"];
  const outcome = await stage.penstock("restore", "nightly", "--set", set, ...mapped);
  expect(outcome, outcome.stderr + outcome.stdout).toMatchObject({ status: 0 });
  expect(resultOf(outcome)).toMatchObject({ set, status: "restored", warnings: [] });
  expect(outcome.stdout).toContain(`"stream":"gp_dump_1_3_${set}.gz","host":"sdw1"`);
  expect(await greenplum.checksums("testdb")).toEqual(before);
  await cluster.host("sdw2").start(signal);
  await expectNothingLeft(stage, set);
});

test("after a failover a dump of 5.x is of those that serve now", async () => {
  await stage.plan({});
  const { streams } = await stage.backup();
  const segment = streams.find(({ dbid }) => dbid === 9);
  expect(segment).toMatchObject({ host: "sdw1", contentId: 1, kind: "fifo" });
});

test("4.3 lists those that should serve: its dump is refused before anything is written", async () => {
  await stage.greenplum.configure({ naming: "4.3" });
  const outcome = await stage.penstock("backup", "nightly");
  expect(outcome).toMatchObject({ status: 1 });
  expect(outcome.stderr).toMatch(
    /^error: the pipe list of set \d+ names segments that do not serve now: dbid 3 on sdw2; now serve: .*$/m,
  );
  expect(outcome.stderr).toMatch(/^hint: gpcrondump 4\.3 lists preferred primaries/m);
});
