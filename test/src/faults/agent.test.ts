import { access } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { Child } from "../harness/child.ts";
import { descendantsOf, stillRunning, untilWaiting } from "../harness/processes.ts";
import { untilNone } from "../harness/until.ts";
import { openStage } from "../stories/stage.ts";
import {
  expectCleanStop,
  expectFailedBackup,
  expectFailedRestore,
  expectFailure,
} from "./expect-failed.ts";
import { FAULT_LIMIT_MS, FILE_LIMIT_MS, SHORT_LEASE, Story } from "./story.ts";

const signal = AbortSignal.timeout(FILE_LIMIT_MS);
const stage = openStage({ hosts: ["sdw1", "sdw2"], agentSettings: { threads: 2 } });

afterEach(async () => {
  for (const host of stage.cluster.hosts) {
    host.child.kill("SIGCONT");
    if (!host.child.isRunning) await host.start(signal);
  }
});

/** Writes for ever, with pauses: what it has written is on its way, and it is always alive. */
const ENDLESS = `while head -c 1M /dev/zero; do sleep 0.1; done > "$1"`;
const settings = { lease: SHORT_LEASE };
const LOST = /^error: (stream app-sdw1 of sdw1: )?agent sdw1 \(127\.0\.0\.1:\d+\): .+$/m;

const soon = (): AbortSignal => AbortSignal.timeout(FAULT_LIMIT_MS);

describe("an agent that is killed", () => {
  test("fails the backup; its tools die, the other hosts are cleaned, and a new agent cleans its own", async () => {
    const story = await Story.begin(stage.cluster, { backup: ENDLESS, settings });
    await using command = await story.startFlowing("backup", signal);
    const [sdw1, sdw2] = [stage.cluster.host("sdw1"), stage.cluster.host("sdw2")];
    const started = await descendantsOf(sdw1.child.pid);
    expect(started.length).toBeGreaterThan(1);
    sdw1.child.kill("SIGKILL");
    const within = soon();
    await untilNone(() => stillRunning(started), within);
    const outcome = await command.outcome;
    within.throwIfAborted();
    expectFailure(outcome, { message: LOST });
    await story.untilNoTrace(within, [sdw2]);

    const [pipe = ""] = await story.pipesOn(sdw1);
    await using blocked = await Child.start(
      "sh",
      ["-c", `echo up; echo late > '${pipe}'`],
      {},
      signal,
    );
    await blocked.stdout.waitFor(/up/, signal);
    await untilWaiting(blocked.pid, signal);
    await sdw1.start(signal);
    await blocked.exited;
    await expectFailedBackup(story, outcome, { message: LOST });
  });

  test("fails the restore, and its consumer sees no false end", async () => {
    const story = await Story.begin(stage.cluster, { backup: `seq 1 2000000 > "$1"` });
    expect(await story.backup(signal)).toMatchObject({ status: 0 });
    const out = join(stage.dir, "out");
    const take = `head -c 1M; sleep 1000; cat`;
    const restore = `(${take}) < "$1" > /dev/null && touch '${out}.complete'`;
    await story.change({ backup: "exit 1", restore, settings });
    await using command = await story.startFlowing("restore", signal);
    const sdw1 = stage.cluster.host("sdw1");
    const started = await descendantsOf(sdw1.child.pid);
    sdw1.child.kill("SIGKILL");
    const within = soon();
    await untilNone(() => stillRunning(started), within);
    const outcome = await command.outcome;
    within.throwIfAborted();
    await sdw1.start(signal);
    await expectFailedRestore(story, outcome, { message: LOST });
    await expect(access(`${out}.complete`)).rejects.toThrow("ENOENT");
  });

  test("and that is back at once has forgotten the run, which fails at once", async () => {
    const story = await Story.begin(stage.cluster, { backup: ENDLESS });
    await using command = await story.startFlowing("backup", signal);
    const sdw1 = stage.cluster.host("sdw1");
    sdw1.child.kill("SIGKILL");
    await sdw1.child.exited;
    await sdw1.start(signal);
    const message =
      /^error: (agent sdw1 no longer knows the run: it was restarted, or the lease ran out|stream app-sdw1 of sdw1: no stream app-sdw1 of run \d+ is open here)$/m;
    await expectFailedBackup(story, await command.outcome, { message });
  });
});

test("an agent that is stopped cleans up and says so, and the run fails at once", async () => {
  const story = await Story.begin(stage.cluster, { backup: ENDLESS });
  await using command = await story.startFlowing("backup", signal);
  const sdw1 = stage.cluster.host("sdw1");
  const longBeforeItsLease = soon();
  sdw1.child.kill("SIGTERM");
  const message = /^error: agent sdw1 gave up the run: the agent is being stopped$/m;
  const outcome = await command.outcome;
  longBeforeItsLease.throwIfAborted();
  await expectFailedBackup(story, outcome, { message });
  expect(await sdw1.child.outcome).toMatchObject({ status: 0 });
  await sdw1.start(signal);
});

test("an agent that hangs is given up like one that is gone, and cleans up when it wakes", async () => {
  const story = await Story.begin(stage.cluster, { backup: ENDLESS, settings });
  await using command = await story.startFlowing("backup", signal);
  const [sdw1, sdw2] = [stage.cluster.host("sdw1"), stage.cluster.host("sdw2")];
  sdw1.child.kill("SIGSTOP");
  const within = soon();
  const outcome = await command.outcome;
  within.throwIfAborted();
  await story.untilNoTrace(within, [sdw2]);
  sdw1.child.kill("SIGCONT");
  await expectFailedBackup(story, outcome, { message: LOST });
});

test("after all this the agents stop at once and have nothing to complain of", async () => {
  await expectCleanStop(stage.cluster.hosts);
});
