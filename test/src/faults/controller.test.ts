import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { descendantsOf, stillRunning } from "../harness/processes.ts";
import { untilNone } from "../harness/until.ts";
import { openStage } from "../stories/stage.ts";
import { expectCleanStop, expectFailedBackup } from "./expect-failed.ts";
import { FAULT_LIMIT_MS, FILE_LIMIT_MS, SHORT_LEASE, Story } from "./story.ts";

const signal = AbortSignal.timeout(FILE_LIMIT_MS);
const stage = openStage({ hosts: ["sdw1", "sdw2"] });

/** Writes for ever, with pauses: what it has written is on its way, and it is always alive. */
const ENDLESS = `while head -c 1M /dev/zero; do sleep 0.1; done > "$1"`;
const settings = { lease: SHORT_LEASE };
const SHORT = `seq 1 2000000 > "$1"`;

describe("a controller that is killed", () => {
  test("in a backup: the agents clean up, nothing half-written stays, the set has failed, the plan is free", async () => {
    const story = await Story.begin(stage.cluster, { backup: ENDLESS, settings });
    await using command = await story.startFlowing("backup", signal);
    const started = await descendantsOf(command.pid);
    command.kill("SIGKILL");
    const within = AbortSignal.timeout(FAULT_LIMIT_MS);
    await story.untilNoTrace(within);
    await untilNone(() => stillRunning(started), within);
    expect(await story.list(signal)).toMatchObject([{ status: "failed" }]);
    expect((await story.storedFiles()).map((name) => name.split("/").at(-1))).toEqual([
      "failed.json",
      "started.json",
    ]);

    await story.change({ backup: SHORT });
    expect(await story.backup(signal)).toMatchObject({ status: 0 });
    expect(await story.list(signal)).toMatchObject([{ status: "committed" }, { status: "failed" }]);
  });

  test("in a restore: the consumer is killed before its pipe is closed, and the plan is free", async () => {
    const story = await Story.begin(stage.cluster, { backup: SHORT });
    expect(await story.backup(signal)).toMatchObject({ status: 0 });
    const out = join(stage.dir, "killed");
    const slow = `(head -c 1M; sleep 1000; cat) < "$1" > /dev/null && touch '${out}'`;
    await story.change({ backup: SHORT, restore: slow, settings });
    await using command = await story.startFlowing("restore", signal);
    command.kill("SIGKILL");
    await story.untilNoTrace(AbortSignal.timeout(FAULT_LIMIT_MS));
    await expect(access(out)).rejects.toThrow("ENOENT");

    await story.change({ backup: SHORT, restore: `seq 1 2000000 | cmp - "$1" && touch '${out}'` });
    expect(await story.restore(signal)).toMatchObject({ status: 0 });
    await access(out);
  });
});

test("a controller that was stopped for longer than the lease does not blame the agents", async () => {
  const story = await Story.begin(stage.cluster, { backup: ENDLESS, settings });
  await using command = await story.startFlowing("backup", signal);
  command.kill("SIGSTOP");
  const pipes = async (): Promise<string[]> =>
    (await Promise.all(stage.cluster.hosts.map((host) => story.pipesOn(host)))).flat();
  await untilNone(pipes, AbortSignal.timeout(FAULT_LIMIT_MS));
  command.kill("SIGCONT");
  const message = /^error: this controller stood still for \d+s: agent sdw[12] /m;
  await expectFailedBackup(story, await command.outcome, { message });
});

describe("a backup that is cancelled cleans up, says so, and leaves a failed set, when", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s comes: exit status %i", async (name, status) => {
    const story = await Story.begin(stage.cluster, { backup: ENDLESS });
    await using command = await story.startFlowing("backup", signal);
    command.kill(name);
    const message = new RegExp(`^error: cancelled by ${name}$`, "m");
    await expectFailedBackup(story, await command.outcome, { status, message });
  });

  test("it comes twice, and before any byte has come", async () => {
    const story = await Story.begin(stage.cluster, { backup: "sleep 1000" });
    await using command = await stage.startPenstock("backup", "nightly", "-o", "json");
    await command.stdout.waitFor(/"event":"tool"/, signal);
    command.kill("SIGINT");
    command.kill("SIGTERM");
    const message = /^error: cancelled by SIG(INT|TERM)$/m;
    const outcome = await command.outcome;
    await expectFailedBackup(story, outcome, { status: outcome.status ?? 0, message });
    expect([130, 143]).toContain(outcome.status);
  });
});

describe("a tool is asked to stop", () => {
  const told = (name: string): string => join(stage.dir, name);

  test("by the signal that its plan names", async () => {
    const trap = (name: string): string =>
      `trap "echo ${name} >> '${told("stop")}'; exit 0" ${name}`;
    const story = await Story.begin(stage.cluster, {
      backup: `${trap("TERM")}; ${trap("INT")}; ${ENDLESS}`,
      tool: { stopSignal: "SIGINT" },
    });
    await using command = await story.startFlowing("backup", signal);
    command.kill("SIGTERM");
    const failure = { status: 143, message: /^error: cancelled by SIGTERM$/m };
    await expectFailedBackup(story, await command.outcome, failure);
    expect(await readFile(told("stop"), "utf8")).toBe("INT\nINT\n");
  });

  test("and is killed if it does not", async () => {
    const story = await Story.begin(stage.cluster, { backup: `trap "" TERM INT; ${ENDLESS}` });
    await using command = await story.startFlowing("backup", signal);
    command.kill("SIGINT");
    const failure = { status: 130, message: /^error: cancelled by SIGINT$/m };
    await expectFailedBackup(story, await command.outcome, failure);
  });
});

describe("what keeps a run from beginning has an exit status of its own:", () => {
  test("5 for a plan that is running", async () => {
    const story = await Story.begin(stage.cluster, { backup: ENDLESS });
    await using command = await story.startFlowing("backup", signal);
    const second = await story.backup(signal);
    expect(second.stderr).toMatch(
      /^error: agent sdw1 .*: plan nightly is locked by .+@.+, process \d+ since .+ \(run \d{14}\)$/m,
    );
    expect(second.status).toBe(5);
    expect(command.isRunning).toBe(true);
  });

  test("6 for a host that is not there", async () => {
    const sdw2 = stage.cluster.host("sdw2");
    const story = await Story.begin(stage.cluster, { backup: SHORT });
    sdw2.child.kill("SIGTERM");
    await sdw2.child.exited;
    const outcome = await story.backup(signal);
    await sdw2.start(signal);
    expect(outcome.stderr).toMatch(/^error: agent sdw2 \(.+\): connection refused$/m);
    expect(outcome.status).toBe(6);
  });

  test("2 for a path that the agents do not allow, and nothing is made", async () => {
    const path = "/elsewhere/{set}/app-{host}.pipe";
    const story = await Story.begin(stage.cluster, { backup: SHORT, path });
    const outcome = await story.backup(signal);
    for (const host of ["sdw1", "sdw2"]) {
      const place = `penstock\\.yaml:\\d+: agent ${host} .*path /elsewhere/.* outside the roots`;
      expect(outcome.stderr).toMatch(new RegExp(place));
    }
    expect(outcome.status).toBe(2);
    await story.untilNoTrace(signal);
  });
});

test("after all this the agents stop at once and have nothing to complain of", async () => {
  await expectCleanStop(stage.cluster.hosts);
});
