import { access, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openStage } from "../stories/stage.ts";
import { expectCleanStop, expectFailedBackup, expectFailedRestore } from "./expect-failed.ts";
import { FILE_LIMIT_MS, Story } from "./story.ts";

const signal = AbortSignal.timeout(FILE_LIMIT_MS);
const stage = openStage({ hosts: ["sdw1", "sdw2"] });

const STALL = { stall_timeout: "3s" };
const SHORT = `seq 1 2000000 > "$1"`;

/** On the first host only; the other one's stream is soon done. */
function onSdw1(script: string): string {
  return `case "$STORY_HOST" in *sdw1*) ${script};; *) ${SHORT};; esac`;
}

describe("a backup that stands still fails after stall_timeout and says whom it waited for:", () => {
  test.each([
    [
      "a tool that has fallen silent",
      `{ seq 1 2000000; sleep 1000; } > "$1"`,
      /^error: stream app-sdw1 of sdw1: sh has written nothing for 3s$/m,
    ],
    [
      "a tool that never opens its pipe",
      "sleep 1000",
      /^error: stream app-sdw1 of sdw1: sh has written nothing at all for 3s$/m,
    ],
    [
      "a tool that opens its pipe a second time",
      // Not before the end of the first time was seen: it would be one stream.
      `${SHORT}; until [ -e "$STORY_HOST.received" ]; do sleep 0.05; done; ${SHORT}`,
      /^error: sh on sdw1 has not ended 3s after its last byte$/m,
    ],
  ])("%s", async (_name, script, message) => {
    const story = await Story.begin(stage.cluster, { backup: onSdw1(script), settings: STALL });
    await using command = await stage.startPenstock("backup", "nightly", "-o", "json");
    const received = command.stdout.waitFor(/"stream":"app-sdw1".*"state":"received"/, signal);
    const note = `${stage.cluster.host("sdw1").root}.received`;
    const noted = received.then(() => writeFile(note, "")).catch(() => {}); // the others never are
    const outcome = await command.outcome;
    await noted;
    await expectFailedBackup(story, outcome, { message });
    expect(outcome.stderr).toMatch(/^hint: .*locks.*penstock logs \d{14}$/m);
  });

  test("but one whose streams flow one after the other does not", async () => {
    const slowly = `{ for i in $(seq 1 70); do seq 1 1000; sleep 0.1; done; } > "$1"`;
    const settings = { stall_timeout: "6s" };
    const story = await Story.begin(stage.cluster, { backup: slowly, settings });
    expect(await story.backup(signal)).toMatchObject({ status: 0 });
  });
});

test("a restore whose consumer has stopped to read fails, and the consumer is killed first", async () => {
  const out = join(stage.dir, "stopped");
  const stopped = onSdw1(`(head -c 1M; sleep 1000; cat) < "$1" && touch '${out}'`);
  const restore = stopped.replace(SHORT, `cat "$1" > /dev/null`);
  const story = await Story.begin(stage.cluster, { backup: SHORT, restore, settings: STALL });
  expect(await story.backup(signal)).toMatchObject({ status: 0 });
  const message = /^error: stream app-sdw1 of sdw1: sh has read nothing for 3s$/m;
  await expectFailedRestore(story, await story.restore(signal), { message });
  await expect(access(out)).rejects.toThrow("ENOENT");
});

test("after all this the agents stop at once and have nothing to complain of", async () => {
  await expectCleanStop(stage.cluster.hosts);
});
