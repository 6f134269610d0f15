import { expect, test } from "vitest";
import { untilFound } from "../harness/until.ts";
import { expectAbsent, expectNothingLeft } from "./expect-nothing-left.ts";
import { openGreenplum } from "./greenplum-stage.ts";
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
