import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { type Child, run } from "../harness/child.ts";
import { untilFound } from "../harness/until.ts";
import { openStage } from "../stories/stage.ts";
import { expectCleanStop, expectFailure } from "./expect-failed.ts";
import { halves, heldUntil, KilledBackup, pieces } from "./killed-backup.ts";
import { FAULT_LIMIT_MS, FILE_LIMIT_MS, SHORT_LEASE, type StoryOptions } from "./story.ts";

const signal = AbortSignal.timeout(FILE_LIMIT_MS);
/** So little is kept for a controller that is away: what was moved beyond it is durable. */
const agentSettings = { replayBuffer: "4MiB" };
const stage = openStage({ hosts: ["sdw1", "sdw2"], agentSettings });

let digest: string;
beforeAll(async () => {
  digest = await digestOf(pieces(":"));
});

async function digestOf(script: string): Promise<string> {
  const { stdout } = await run("sh", ["-c", `{ ${script}; } | sha256sum`], {}, signal);
  return stdout.slice(0, 64);
}

/** For a script to wait for. */
const flag = (name: string): string => join(stage.dir, `${name}.flag`);

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

describe("a backup whose controller is killed", () => {
  test.each(["none", "zstd"])(
    "is taken up by another: the same tools, no byte lost (%s)",
    async (compression) => {
      const half = flag(compression);
      const options = { settings: { compression } };
      const backup = await begin(compression, halves(half), options);
      await using command = await backup.story.startFlowing("backup", signal);
      const set = await backup.kill(command);
      await writeFile(half, "");
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

  test("is taken up, too, ten seconds later, when its tools have ended meanwhile", async () => {
    const [go, ended] = [flag("alone"), join(stage.dir, "alone.ended")];
    const rows = "seq 1 100000";
    const script = `${rows}; ${heldUntil(go)}; ${rows}; echo >> '${ended}'`;
    const backup = await begin("alone", script);
    await using command = await backup.story.startFlowing("backup", signal);
    const set = await backup.kill(command);
    await writeFile(go, "");
    const bothHave = async (): Promise<true | undefined> =>
      (await readFile(ended, "utf8").catch(() => "")) === "\n\n" || undefined;
    await Promise.all([
      untilFound(bothHave, "the ends of both tools", signal),
      delay(10_000, undefined, { signal }),
    ]);
    expect(await backup.resume(set)).toMatchObject({ status: 0 });
    await backup.expectWhole(set, await digestOf(`${rows}; ${rows}`));
    expect(await backup.starts()).toBe("started\n".repeat(2));
  });

  test("and the next one, too, is taken up again", async () => {
    const [half, end] = [flag("twice"), flag("twice-end")];
    const backup = await begin("twice", `${halves(half)}; ${heldUntil(end)}`);
    await using command = await backup.start();
    await flowing(command, "1[0-9]{7}"); // more than the agents keep, so a part is durable
    const set = await backup.kill(command);
    await using second = await backup.startResume(set);
    await second.stdout.waitFor(/"stream":"app-sdw1".*"state":"attached"/, signal);
    await writeFile(half, "");
    await flowing(second, "[23][0-9]{7}");
    await backup.kill(second);
    await writeFile(end, "");
    expect(await backup.resume(set)).toMatchObject({ status: 0 });
    const { streams } = await backup.expectWhole(set, digest);
    expect(streams.some(({ objects }) => objects.length > 1)).toBe(true);
    expect(await backup.starts()).toBe("started\n".repeat(2));
  });

  test("keeps the streams that were finished before", async () => {
    const half = flag("half");
    const onlySdw2 = `case "$i$STORY_HOST" in 29*sdw2*) ${heldUntil(half)};; esac`;
    const backup = await begin("half", pieces(onlySdw2));
    await using command = await backup.start();
    const set = await backup.killAfter(command, "app-sdw1");
    await writeFile(half, "");
    expect(await backup.resume(set)).toMatchObject({ status: 0 });
    const { streams } = await backup.expectWhole(set, digest);
    const [kept, resumed] = streams.map(({ reconnects }) => reconnects);
    expect(kept).toBe(0);
    expect(resumed).toBeGreaterThanOrEqual(1);
    expect(await backup.starts()).toBe("started\n".repeat(2));
  });

  test("fails when nobody comes in time, and what was finished can be read", async () => {
    const onlySdw2 = 'case "$i$STORY_HOST" in 29*sdw2*) sleep 1000;; esac';
    const backup = await begin("late", pieces(onlySdw2), { settings: { lease: SHORT_LEASE } });
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
    const backup = await begin("alive", `${pieces(":")}; sleep 1000`);
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
    const half = flag("changed");
    const backup = await begin("changed", halves(half), { settings: { lease: "5m" } });
    await using command = await backup.story.startFlowing("backup", signal);
    const set = await backup.kill(command);
    await writeFile(half, "");
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
