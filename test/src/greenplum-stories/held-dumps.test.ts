import { expect, test } from "vitest";
import { untilFound, untilNone } from "../harness/until.ts";
import { expectAbsent, expectNothingLeft } from "./expect-nothing-left.ts";
import { openGreenplum, resultOf } from "./greenplum-stage.ts";
import { holdPostData } from "./hold-post-data.ts";
import { holdProgram } from "./hold-program.ts";

const stage = openGreenplum({ segments: ["sdw1", "sdw2"] });

test("a tar that gpcrondump has started on a segment's host ends with a dump that is cancelled", async () => {
  await stage.plan({ options: ["-g"] });
  const { greenplum, signal } = stage;
  await using _held = await holdProgram(greenplum, "tar", "gp_segment_config_files_0_2_");
  await using command = await stage.startPenstock("backup", "nightly", "-o", "json");
  const [, set = ""] = await command.stdout.waitFor(/"event":"started","run":"(\d+)"/, signal);
  const tar = async (): Promise<string | undefined> =>
    (await greenplum.processes(set)).find((line) => line.includes("/tar cfP"));
  await untilFound(tar, "the tar of a segment", signal);
  command.kill("SIGINT");
  expect(await command.outcome).toMatchObject({ status: 130 });
  expectAbsent(stage, set);
  await expectNothingLeft(stage, set);
});

test("post-data that does not come ends the run, with word of the lock, and frees the database", async () => {
  // Much longer than it takes to begin: until then nothing moves either.
  await stage.plan({}, { stall_timeout: "8s" });
  const { greenplum, signal } = stage;
  await using _held = await holdPostData(greenplum);
  await using command = await stage.startPenstock("backup", "nightly", "-o", "json");
  const [, set = ""] = await command.stdout.waitFor(/"event":"started","run":"(\d+)"/, signal);
  const outcome = await command.outcome;
  expect(outcome).toMatchObject({ status: 1 });
  expect(outcome.stderr).toContain(
    `stream gp_dump_-1_1_${set}_post_data.gz of mdw: gpcrondump has written nothing at all for 8s; ` +
      "as long as it waits it holds an EXCLUSIVE lock on pg_class: CREATE, ALTER, DROP, TRUNCATE, ANALYZE and VACUUM wait in database testdb",
  );
  await untilNone(() => greenplum.processes(set), signal);
  await greenplum.query(-1, "testdb", "create table after_failure (i int)");
  await greenplum.query(-1, "testdb", "drop table after_failure");
});

test("another process goes on with a dump, and asks the hosts nothing again", async () => {
  await stage.plan({ restore: ["-e"] });
  const { greenplum, signal } = stage;
  const before = await greenplum.checksums("testdb");
  let set: string | undefined;
  {
    await using _held = await holdPostData(greenplum);
    await using command = await stage.startPenstock("backup", "nightly", "-o", "json");
    const tool = /"event":"started","run":"(\d+)".*"event":"tool","tool":"gpcrondump"/s;
    [, set] = await command.stdout.waitFor(tool, signal);
    command.kill("SIGKILL");
    await command.exited;
  }
  const resumed = await stage.penstock("backup", "--resume", set ?? "", "-o", "json");
  expect(resumed, resumed.stdout + resumed.stderr).toMatchObject({ status: 0 });
  expect(resultOf(resumed)).toMatchObject({ set, status: "committed" });
  expect(resumed.stdout).not.toContain('"tool":"psql"');

  await stage.empty();
  await stage.result("restore", "nightly", "--set", set ?? "");
  expect(await greenplum.checksums("testdb")).toEqual(before);
});
