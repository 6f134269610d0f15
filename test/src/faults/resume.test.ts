import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Manifest } from "@penstock/common";
import { beforeAll, describe, expect, test } from "vitest";
import { type Child, type Outcome, run } from "../harness/child.ts";
import { openStage } from "../stories/stage.ts";
import { expectCleanStop, expectFailure } from "./expect-failed.ts";
import { FAULT_LIMIT_MS, Story, type StoryOptions } from "./story.ts";

const signal = AbortSignal.timeout(300_000);
const stage = openStage({ hosts: ["sdw1", "sdw2"] });

/** Long enough to start another controller in, on a busy machine. */
const LEASE = "12s";

/** 32 MB of numbers in pieces; `pause` is what is done after each. */
function pieces(pause: string): string {
  return `for i in $(seq 10 49); do seq "$i"000000 "$i"100000; ${pause}; done`;
}

let digest: string;
beforeAll(async () => {
  const { stdout } = await run("sh", ["-c", `{ ${pieces(":")}; } | sha256sum`], {}, signal);
  digest = stdout.slice(0, 64);
});

/** Every start of a tool is noted. Its host is in `$STORY_HOST`. */
async function begin(name: string, script: string, options: Partial<StoryOptions> = {}) {
  const notes = join(stage.dir, `${name}.notes`);
  const { settings, ...others } = options;
  const story = await Story.begin(stage.cluster, {
    backup: `echo started >> '${notes}'; { ${script}; } > "$1"`,
    settings: { lease: LEASE, ...settings },
    ...others,
  });
  const starts = async (): Promise<string> => await readFile(notes, "utf8");
  return { story, starts };
}

/** Kills a backup that is under way, and returns the name of its set. */
async function kill(command: Child): Promise<string> {
  const started = /"event":"started","run":"(\d{14})"/;
  const [, set = ""] = await command.stdout.waitFor(started, signal);
  command.kill("SIGKILL");
  await command.exited;
  return set;
}

async function resume(...args: string[]): Promise<Outcome> {
  return await stage.cluster.penstock(["backup", "--resume", ...args], signal);
}

async function show(set: string): Promise<Manifest> {
  const { stdout } = await stage.cluster.penstock(["show", set, "-o", "json"], signal);
  return JSON.parse(stdout) as Manifest;
}

/** The set is committed and whole, and no trace of its runs is left. */
async function expectWhole(story: Story, set: string): Promise<Manifest> {
  await story.untilNoTrace(AbortSignal.timeout(FAULT_LIMIT_MS));
  const manifest = await show(set);
  expect(manifest.status).toBe("committed");
  expect(manifest.streams.map(({ sha256Raw }) => sha256Raw)).toEqual([digest, digest]);
  expect(await stage.cluster.penstock(["verify", set], signal)).toMatchObject({ status: 0 });
  return manifest;
}

describe("a backup whose controller is killed", () => {
  test.each(["none", "zstd"])(
    "is taken up by another: the same tools, no byte lost (%s)",
    async (compression) => {
      const options = { settings: { compression } };
      const { story, starts } = await begin(compression, pieces("sleep 0.1"), options);
      await using command = await story.startFlowing("backup", signal);
      const set = await kill(command);
      expect(await resume(set)).toMatchObject({ status: 0 });
      const { streams } = await expectWhole(story, set);
      expect(streams.every(({ reconnects }) => reconnects >= 1)).toBe(true);
      expect(await starts()).toBe("started\n".repeat(2)); // once on each host
    },
  );

  test("and the next one, too, is taken up again", async () => {
    const { story, starts } = await begin("twice", pieces("sleep 0.3"));
    await using command = await story.startFlowing("backup", signal);
    const set = await kill(command);
    await using second = await stage.cluster.startPenstock(
      ["backup", "--resume", set, "-o", "json"],
      signal,
    );
    for (const host of ["sdw1", "sdw2"]) {
      // So much that in the pauses of the tool some of it has become durable.
      const flowing = new RegExp(`"app-${host}".*"flowing","bytes":1[0-9]{7}`);
      await second.stdout.waitFor(flowing, signal);
    }
    await kill(second);
    expect(await resume(set)).toMatchObject({ status: 0 });
    const { streams } = await expectWhole(story, set);
    expect(streams.some(({ objects }) => objects.length > 1)).toBe(true);
    expect(await starts()).toBe("started\n".repeat(2));
  });

  test("keeps the streams that were finished before", async () => {
    const onlySdw2 = 'case "$STORY_HOST" in *sdw2*) sleep 0.2;; esac';
    const { story, starts } = await begin("half", pieces(onlySdw2));
    const args = ["backup", "nightly", "-o", "json"];
    await using command = await stage.cluster.startPenstock(args, signal);
    await command.stdout.waitFor(/"stream":"app-sdw1".*"state":"done"/, signal);
    const set = await kill(command);
    expect(await resume(set)).toMatchObject({ status: 0 });
    const { streams } = await expectWhole(story, set);
    expect(streams.map(({ reconnects }) => reconnects)).toEqual([0, 1]);
    expect(await starts()).toBe("started\n".repeat(2));
  });

  test("fails when nobody comes in time, and what was finished can be read", async () => {
    const onlySdw2 = 'case "$STORY_HOST" in *sdw2*) sleep 0.5;; esac';
    const options = { settings: { lease: "2s" } };
    const { story } = await begin("late", pieces(onlySdw2), options);
    const args = ["backup", "nightly", "-o", "json"];
    await using command = await stage.cluster.startPenstock(args, signal);
    await command.stdout.waitFor(/"stream":"app-sdw1".*"state":"done"/, signal);
    const set = await kill(command);
    await story.untilNoTrace(AbortSignal.timeout(FAULT_LIMIT_MS));
    const message = new RegExp(`^error: set ${set}: its controller was killed, .*too late`, "m");
    expectFailure(await resume(set), { message });
    expect(await story.list(signal)).toMatchObject([{ set, status: "failed", streams: 1 }]);
    const read = await stage.cluster.penstock(["cat", set, "app-sdw1"], signal);
    expect(read.status).toBe(0);
    expect(await resume(set)).toMatchObject({ status: 7 });
  });
});

describe("a backup is not taken up", () => {
  test("while its controller is alive: exit status 5", async () => {
    const { story } = await begin("alive", `${pieces("sleep 0.1")}; sleep 1000`);
    await using command = await story.startFlowing("backup", signal);
    const started = /"event":"started","run":"(\d{14})"/;
    const [, set = ""] = await command.stdout.waitFor(started, signal);
    command.kill("SIGSTOP");
    const message = /^error: run \d{14}: a process of this host is at work on it$/m;
    expectFailure(await resume(set), { status: 5, message });
    command.kill("SIGCONT");
    command.kill("SIGINT");
    expect(await command.outcome).toMatchObject({ status: 130 });
  });

  test("that is not there: exit status 7", async () => {
    await begin("none-such", "true");
    const message = /^error: this host has no unfinished backup 20200101000000$/m;
    expectFailure(await resume("20200101000000"), { status: 7, message });
  });

  test("together with a plan: exit status 2", async () => {
    const message = /^error: name a plan, or a set with --resume$/m;
    expectFailure(await resume("20200101000000", "nightly"), { status: 2, message });
  });

  test("when its plan has become another: exit status 2, and it can still be taken up", async () => {
    const { story } = await begin("changed", pieces("sleep 0.1"));
    await using command = await story.startFlowing("backup", signal);
    const set = await kill(command);
    const before = await readFile(stage.cluster.configFile, "utf8");
    await begin("other", "true");
    const message = new RegExp(
      `^error: plan nightly is not what it was when set ${set} began$`,
      "m",
    );
    expectFailure(await resume(set), { status: 2, message });
    await writeFile(stage.cluster.configFile, before);
    expect(await resume(set)).toMatchObject({ status: 0 });
    await expectWhole(story, set);
  });
});

test("after all this the agents stop at once and have nothing to complain of", async () => {
  await expectCleanStop(stage.cluster.hosts);
});
