import { describe, expect, test } from "vitest";
import { findChild } from "../harness/processes.ts";
import { untilFound } from "../harness/until.ts";
import { openStage } from "../stories/stage.ts";
import { expectCleanStop, expectFailedBackup } from "./expect-failed.ts";
import { FILE_LIMIT_MS, Story, type StoryOptions } from "./story.ts";

const signal = AbortSignal.timeout(FILE_LIMIT_MS);
const stage = openStage({ hosts: ["sdw1", "sdw2"] });

const begin = (options: StoryOptions): Promise<Story> => Story.begin(stage.cluster, options);

describe("a backup is absent, and says why, when its tool", () => {
  test("exits 1 after it has written everything", async () => {
    const story = await begin({ backup: `seq 1 100000 > "$1"; echo "no good" >&2; exit 1` });
    const message = /^error: sh on sdw[12] exited with status 1; it said:\n {2}no good$/m;
    await expectFailedBackup(story, await story.backup(signal), { message });
    expect(await story.list(signal)).toMatchObject([{ status: "failed" }]);
  });

  test("exits 1 before it opens its pipe", async () => {
    const story = await begin({ backup: `echo "no such database" >&2; exit 1` });
    const message = /^error: sh on sdw[12] exited with status 1; it said:\n {2}no such database$/m;
    await expectFailedBackup(story, await story.backup(signal), { message });
  });

  test("is killed in mid-stream", async () => {
    const backup = `{ head -c 4M /dev/zero; echo "half of it" >&2; exec sleep 1000; } > "$1"`;
    const story = await begin({ backup });
    await using command = await story.startFlowing("backup", signal);
    await killTool("sdw1", /^sleep 1000$/);
    const message = /^error: sh on sdw1 was killed by SIGKILL; it said:\n {2}half of it$/m;
    await expectFailedBackup(story, await command.outcome, { message });
  });

  test("exits 0 and has never opened its pipe", async () => {
    const story = await begin({ backup: "exit 0" });
    const message =
      /^error: stream app-sdw[12] of sdw[12]: fifo .* was never opened by its writer$/m;
    await expectFailedBackup(story, await story.backup(signal), { message });
  });

  test("exits 0 while a process that it has left behind holds the pipe open", async () => {
    const story = await begin({ backup: `{ seq 1 1000; sleep 1000 & } > "$1"` });
    const message =
      /^error: stream app-sdw[12] of sdw[12]: its pipe is still held open 1s after its tool has ended$/m;
    await expectFailedBackup(story, await story.backup(signal), { message });
  });

  test("writes to its standard output, and is killed", async () => {
    const backup = `head -c 4M /dev/zero; exec sleep 1000`;
    const story = await begin({ backup, kind: "stdout" });
    await using command = await story.startFlowing("backup", signal);
    await killTool("sdw1", /^sleep 1000$/);
    const message = /^error: sh on sdw1 was killed by SIGKILL$/m;
    await expectFailedBackup(story, await command.outcome, { message });
  });

  test("says too much: only its last lines are told", async () => {
    const story = await begin({ backup: `seq 1 100000 >&2; exit 3` });
    const message =
      /^error: sh on sdw[12] exited with status 3; it said:\n( {2}9999\d\n){9} {2}100000$/m;
    await expectFailedBackup(story, await story.backup(signal), { message });
  });
});

test("a backup is whole although what a tool has left behind goes on writing for a while", async () => {
  const late = `sleep 0.3; seq 1 1000`;
  const backup = `{ seq 1 1000; (${late}) & } > "$1"`;
  const story = await begin({ backup, settings: { grace: "60s" } });
  expect(await story.backup(signal)).toMatchObject({ status: 0 });
  await story.untilNoTrace(signal);
});

test("after all this the agents stop at once and have nothing to complain of", async () => {
  await expectCleanStop(stage.cluster.hosts);
});

async function killTool(host: string, pattern: RegExp): Promise<void> {
  const agent = stage.cluster.host(host).child.pid;
  const tool = await untilFound(() => findChild(agent, pattern), `${pattern}`, signal);
  process.kill(tool, "SIGKILL");
}
