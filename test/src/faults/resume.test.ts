import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type Child, run } from "../harness/child.ts";
import { untilNone } from "../harness/until.ts";
import { openStage } from "../stories/stage.ts";
import { expectCleanStop, expectFailure } from "./expect-failed.ts";
import { KilledBackup, pieces } from "./killed-backup.ts";
import { FAULT_LIMIT_MS, type StoryOptions } from "./story.ts";

const signal = AbortSignal.timeout(300_000);
const stage = openStage({ hosts: ["sdw1", "sdw2"] });

let digest: string;
beforeAll(async () => {
  const { stdout } = await run("sh", ["-c", `{ ${pieces(":")}; } | sha256sum`], {}, signal);
  digest = stdout.slice(0, 64);
});

function begin(name: string, script: string, options: Partial<StoryOptions> = {}) {
  return KilledBackup.begin(stage, name, script, options, signal);
}

/** So many bytes, by this pattern, have come from each host. */
async function flowing(command: Child, bytes: string): Promise<void> {
  for (const host of ["sdw1", "sdw2"]) {
    const pattern = new RegExp(`"app-${host}".*"flowing","bytes":${bytes}[,}]`);
    await command.stdout.waitFor(pattern, signal);
  }
}

/** Resolves so much later. */
async function passed(ms: number): Promise<void> {
  const begunAt = performance.now();
  await untilNone(async () => (performance.now() < begunAt + ms ? ["too early"] : []), signal);
}

describe("a backup whose controller is killed", () => {
  test.each(["none", "zstd"])(
    "is taken up by another: the same tools, no byte lost (%s)",
    async (compression) => {
      const options = { settings: { compression } };
      const backup = await begin(compression, pieces("sleep 0.1"), options);
      await using command = await backup.story.startFlowing("backup", signal);
      const set = await backup.kill(command);
      const { stdout } = await stage.cluster.penstock(["status"], signal);
      expect(stdout).toMatch(
        new RegExp(`go on within \\d+ s: penstock backup --resume ${set}$`, "m"),
      );
      expect(await backup.resume(set)).toMatchObject({ status: 0 });
      const { streams } = await backup.expectWhole(set, digest);
      expect(streams.every(({ reconnects }) => reconnects >= 1)).toBe(true);
      expect(await backup.starts()).toBe("started\n".repeat(2)); // once on each host
    },
  );

  test("is taken up after a while, too, when most of the lease has gone by", async () => {
    const backup = await begin("later", pieces("sleep 0.1"), { settings: { lease: "15s" } });
    await using command = await backup.story.startFlowing("backup", signal);
    const set = await backup.kill(command);
    await passed(6_000); // its last renewal may be 5 s older than its death, and a start takes its time
    expect(await backup.resume(set)).toMatchObject({ status: 0 });
    await backup.expectWhole(set, digest);
    expect(await backup.starts()).toBe("started\n".repeat(2));
  });

  test("and the next one, too, is taken up again", async () => {
    const flag = join(stage.dir, "twice.flag");
    const pause = `[ "$i" != 29 ] || while [ ! -e '${flag}' ]; do sleep 0.1; done`;
    const backup = await begin("twice", pieces(pause));
    await using command = await backup.start();
    await flowing(command, "1[0-9]{7}");
    await passed(1_000); // in the pause of its tool all of this becomes durable
    const set = await backup.kill(command);
    await using second = await backup.startResume(set);
    await second.stdout.waitFor(/"stream":"app-sdw1".*"state":"attached"/, signal);
    await writeFile(flag, "");
    await flowing(second, "[23][0-9]{7}");
    await backup.kill(second);
    expect(await backup.resume(set)).toMatchObject({ status: 0 });
    const { streams } = await backup.expectWhole(set, digest);
    expect(streams.some(({ objects }) => objects.length > 1)).toBe(true);
    expect(await backup.starts()).toBe("started\n".repeat(2));
  });

  test("keeps the streams that were finished before", async () => {
    const onlySdw2 = 'case "$STORY_HOST" in *sdw2*) sleep 0.2;; esac';
    const backup = await begin("half", pieces(onlySdw2));
    await using command = await backup.start();
    const set = await backup.killAfter(command, "app-sdw1");
    expect(await backup.resume(set)).toMatchObject({ status: 0 });
    const { streams } = await backup.expectWhole(set, digest);
    expect(streams.map(({ reconnects }) => reconnects)).toEqual([0, 1]);
    expect(await backup.starts()).toBe("started\n".repeat(2));
  });

  test("fails when nobody comes in time, and what was finished can be read", async () => {
    const onlySdw2 = 'case "$STORY_HOST" in *sdw2*) sleep 0.5;; esac';
    const options = { settings: { lease: "2s" } };
    const backup = await begin("late", pieces(onlySdw2), options);
    await using command = await backup.start();
    const set = await backup.killAfter(command, "app-sdw1");
    await backup.story.untilNoTrace(AbortSignal.timeout(FAULT_LIMIT_MS));
    const message = new RegExp(`^error: set ${set}: its controller was killed, .*too late`, "m");
    expectFailure(await backup.resume(set), { message });
    expect(await backup.story.list(signal)).toMatchObject([{ set, status: "failed", streams: 1 }]);
    await backup.expectFailed(set, ["app-sdw1"]);
  });
});

describe("a backup is not taken up", () => {
  test("while its controller is alive: exit status 5", async () => {
    const backup = await begin("alive", `${pieces("sleep 0.1")}; sleep 1000`);
    await using command = await backup.story.startFlowing("backup", signal);
    const set = await backup.setOf(command);
    command.kill("SIGSTOP");
    const message = /^error: run \d{14}: a process of this host is at work on it$/m;
    expectFailure(await backup.resume(set), { status: 5, message });
    command.kill("SIGCONT");
    command.kill("SIGINT");
    expect(await command.outcome).toMatchObject({ status: 130 });
  });

  test("that is not there: exit status 7", async () => {
    const backup = await begin("none-such", "true");
    const message = /^error: this host has no unfinished backup 20200101000000$/m;
    expectFailure(await backup.resume("20200101000000"), { status: 7, message });
  });

  test("together with a plan: exit status 2", async () => {
    const backup = await begin("with-plan", "true");
    const message = /^error: name a plan, or a set with --resume$/m;
    expectFailure(await backup.resume("20200101000000", "nightly"), { status: 2, message });
  });

  test("when its plan has become another: exit status 2, and it can still be taken up", async () => {
    const backup = await begin("changed", pieces("sleep 0.1"), { settings: { lease: "24s" } });
    await using command = await backup.story.startFlowing("backup", signal);
    const set = await backup.kill(command);
    const before = await readFile(stage.cluster.configFile, "utf8");
    const message = new RegExp(
      `^error: plan nightly is not what it was when set ${set} began$`,
      "m",
    );
    const { store } = backup.story;
    for (const [old, other] of [
      ["echo started", "echo begun"],
      ["compression: none", "compression: gzip"],
      [`file://${store}`, `file://${store}-other`],
    ] as const) {
      expect(before).toContain(old);
      await writeFile(stage.cluster.configFile, before.replaceAll(old, other));
      expectFailure(await backup.resume(set), { status: 2, message });
    }
    await writeFile(stage.cluster.configFile, before);
    expect(await backup.resume(set)).toMatchObject({ status: 0 });
    await backup.expectWhole(set, digest);
    expect(await backup.starts()).toBe("started\n".repeat(2));
  });
});

test("after all this the agents stop at once and have nothing to complain of", async () => {
  await expectCleanStop(stage.cluster.hosts);
});
