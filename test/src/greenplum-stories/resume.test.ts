import { expect, test } from "vitest";
import { openGreenplum, resultOf } from "./greenplum-stage.ts";
import { holdPostData } from "./hold-post-data.ts";

const stage = openGreenplum({ segments: ["sdw1", "sdw2"] });

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
