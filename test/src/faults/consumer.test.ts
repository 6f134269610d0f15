import { access } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { Child } from "../harness/child.ts";
import { findChild } from "../harness/processes.ts";
import { untilFound } from "../harness/until.ts";
import { openStage } from "../stories/stage.ts";
import { expectCleanStop, expectFailedRestore } from "./expect-failed.ts";
import { FILE_LIMIT_MS, Story } from "./story.ts";

const signal = AbortSignal.timeout(FILE_LIMIT_MS);
const DUMP = `seq 1 5000000 > "$1"`; // 39 MB: more than all that is under way can be
const stage = openStage({ hosts: ["sdw1"], agentSettings: { threads: 2 } });
let story: Story;
let out: string;
beforeAll(async () => {
  story = await Story.begin(stage.cluster, { backup: DUMP });
  expect(await story.backup(signal)).toMatchObject({ status: 0 });
  out = join(stage.dir, "out");
});

/** The consumer is `script`; what it has taken for the whole it says by a file beside `out`. */
const consume = (script: string, kind: "fifo" | "stdout" = "fifo"): Promise<void> =>
  story.change({ backup: DUMP, restore: `rm -f '${out}'*; ${script}`, kind });

describe("a restore fails, says why, and shows its consumer no false end, when it", () => {
  test("exits 1 after it has read everything", async () => {
    await consume(`cat "$1" > '${out}'; echo "row 7 is wrong" >&2; exit 1`);
    const message = /^error: sh on sdw1 exited with status 1; it said:\n {2}row 7 is wrong$/m;
    await expectFailedRestore(story, await story.restore(signal), { message });
  });

  test("exits 1 before it opens its pipe", async () => {
    await consume(`echo "no such database" >&2; exit 1`);
    const message = /^error: sh on sdw1 exited with status 1; it said:\n {2}no such database$/m;
    await expectFailedRestore(story, await story.restore(signal), { message });
  });

  test("is killed in mid-stream", async () => {
    await consume(`exec < "$1"; head -c 1M > '${out}'; exec sleep 1000`);
    await using command = await story.startFlowing("restore", signal);
    await killTool(/^sleep 1000$/);
    const message = /^error: sh on sdw1 was killed by SIGKILL$/m;
    await expectFailedRestore(story, await command.outcome, { message });
  });

  test("exits 0 and has never opened its pipe", async () => {
    await consume("exit 0");
    const message = /^error: stream app-sdw1 of sdw1: its pipe was never opened by its reader$/m;
    await expectFailedRestore(story, await story.restore(signal), { message });
  });

  test("stops reading early, and exits 0", async () => {
    await consume(`head -c 1M < "$1" > '${out}'; exit 0`);
    const message = /^error: stream app-sdw1 of sdw1: write fifo .*: its reader has closed it$/m;
    await expectFailedRestore(story, await story.restore(signal), { message });
  });

  test("stops reading early its standard input, and exits 0", async () => {
    await story.change({ backup: DUMP, kind: "stdout", restore: "head -c 1M > /dev/null" });
    const message = /^error: stream app-sdw1 of sdw1: write fifo .*: its reader has closed it$/m;
    await expectFailedRestore(story, await story.restore(signal), { message });
  });

  test("exits 0 while a process that it has left behind holds the pipe and does not read", async () => {
    await consume(`exec 3< "$1"; head -c 1M <&3 > '${out}'; sleep 1000 & exit 0`);
    const message =
      /^error: stream app-sdw1 of sdw1: its pipe is still not read to its end 1s after its tool has ended$/m;
    await expectFailedRestore(story, await story.restore(signal), { message });
  });
});

describe("a consumer that takes any end for the whole does not see one when its restore is cancelled:", () => {
  test.each([
    ["one that dies of SIGTERM", "-"],
    ["one that reads on", "finish"],
  ])("%s", async (_, atStop) => {
    const finish = `finish() { cat > '${out}'; touch '${out}.complete'; exit 0; }`;
    const begin = `exec < "$1"; head -c 1M > '${out}'; sleep 1000 & wait; finish`;
    await consume(`${finish}; trap ${atStop} TERM; ${begin}`);
    await using command = await story.startFlowing("restore", signal);
    command.kill("SIGINT");
    const failure = { status: 130, message: /^error: cancelled by SIGINT$/m };
    await expectFailedRestore(story, await command.outcome, failure);
    await expect(access(`${out}.complete`)).rejects.toThrow("ENOENT");
  });
});

test("a stranger who has opened a pipe does not hold up the end of its run", async () => {
  await consume("sleep 1000");
  await using command = await stage.startPenstock("restore", "nightly", "--set", "LATEST");
  const [pipe = ""] = await untilFound(pipes, "the pipe", signal);
  const hold = `exec 3< '${pipe}'; echo up; exec sleep 1000`;
  await using stranger = await Child.start("sh", ["-c", hold], {}, signal);
  await stranger.stdout.waitFor(/up/, signal);
  command.kill("SIGTERM");
  const failure = { status: 143, message: /^error: cancelled by SIGTERM$/m };
  await expectFailedRestore(story, await command.outcome, failure);
});

test("after all this the agents stop at once and have nothing to complain of", async () => {
  await expectCleanStop(stage.cluster.hosts);
});

async function pipes(): Promise<string[] | undefined> {
  const found = await story.pipesOn(stage.cluster.host("sdw1"));
  return found.length > 0 ? found : undefined;
}

async function killTool(pattern: RegExp): Promise<void> {
  const agent = stage.cluster.host("sdw1").child.pid;
  const tool = await untilFound(() => findChild(agent, pattern), `${pattern}`, signal);
  process.kill(tool, "SIGKILL");
}
