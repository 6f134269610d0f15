import { expect, test } from "vitest";
import { untilNone } from "../harness/until.ts";
import { openGreenplum } from "./greenplum-stage.ts";
import { holdPostData } from "./hold-post-data.ts";

const stage = openGreenplum({ segments: ["sdw1", "sdw2"] });

test("post-data that does not come ends the run, with word of the lock, and frees the database", async () => {
  await stage.plan({}, { stall_timeout: "4s" });
  const { greenplum, signal } = stage;
  await using _held = await holdPostData(greenplum);
  await using command = await stage.startPenstock("backup", "nightly", "-o", "json");
  const [, set = ""] = await command.stdout.waitFor(/"event":"started","run":"(\d+)"/, signal);
  const outcome = await command.outcome;
  expect(outcome).toMatchObject({ status: 1 });
  expect(outcome.stderr).toContain(
    `stream gp_dump_-1_1_${set}_post_data.gz of mdw: gpcrondump has written nothing at all for 4s; ` +
      "as long as it waits it holds an EXCLUSIVE lock on pg_class: CREATE, ALTER, DROP, TRUNCATE, ANALYZE and VACUUM wait in database testdb",
  );
  await untilNone(() => greenplum.processes(set), signal);
  await greenplum.query(-1, "testdb", "create table after_failure (i int)");
  await greenplum.query(-1, "testdb", "drop table after_failure");
});
