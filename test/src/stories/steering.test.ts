import { hostname, userInfo } from "node:os";
import { describe, expect, test } from "vitest";
import { expectFailure, openStage } from "./stage.ts";
import { ENDLESS, WatchedPlan } from "./watched-plan.ts";

const HOSTS = ["sdw1", "sdw2"];
const stage = openStage({ hosts: HOSTS });
const nightly = new WatchedPlan(stage);
const MiB = 1024 * 1024;
const us = `${userInfo().username}@${hostname()}`;

/** What the audit log of an agent says of the paces that it was told. */
function auditedPaces(host: string): unknown[] {
  const lines = stage.cluster.host(host).child.stdout.text.split("\n");
  return lines
    .filter((line) => line.includes('/SetPace"'))
    .map((line) => JSON.parse(line))
    .filter(({ audit }) => audit === true)
    .map(({ streams }) => streams);
}

test("status tells what runs, with streams whose bytes grow, and nothing when nothing runs", async () => {
  await nightly.configure(ENDLESS);
  expect(await nightly.status()).toEqual([]);
  expect(await stage.ok("status")).toBe("nothing runs\n");
  await using backup = await nightly.startFlowing();

  const [before] = await nightly.status();
  const set = await nightly.setOf(backup);
  expect(before).toMatchObject({
    ...{ run: set, set, plan: "nightly", cluster: "warehouse", kind: "backup", pid: backup.pid },
    ...{ throttle: null, reconnects: expect.any(Number), eta: null, warnings: [] },
  });
  const streams = before?.streams.toSorted((a, b) => a.name.localeCompare(b.name));
  expect(streams).toMatchObject(
    HOSTS.map((host) => ({ name: `app-${host}`, host, state: "flowing" })),
  );
  const grown = await nightly.untilStatus(
    ({ streams }) =>
      streams.every(({ bytes }, index) => bytes > (before?.streams[index]?.bytes ?? 0)),
    "bytes to grow",
  );
  expect(grown.rate).toBeGreaterThan(0);

  const text = await stage.ok("status");
  expect(text).toContain(`run ${set}: backup, plan nightly, since `);
  expect(text).toMatch(/^HOST +STREAM +BYTES +BYTES\/S +RECONNECTS +STATE$/m);
  for (const host of HOSTS)
    expect(text).toMatch(new RegExp(`^${host} +app-${host} .* flowing$`, "m"));

  await using interrupted = await stage.startPenstock("status", "--watch");
  await interrupted.stdout.waitFor(/^run /m, stage.signal);
  interrupted.kill("SIGINT");
  const stopped = { status: 130, stderr: "error: cancelled by SIGINT\n" };
  expect(await interrupted.outcome).toMatchObject(stopped);

  await using watch = await stage.startPenstock("status", "--watch");
  await watch.stdout.waitFor(/^run .*\n[\s\S]*^run .*\n/m, stage.signal);
  backup.kill("SIGINT");
  expect(await watch.outcome).toMatchObject({ status: 0 });
  expect(watch.stdout.text).toMatch(/nothing runs\n$/);
  expect(await backup.outcome).toMatchObject({ status: 130 });
});

test("a run expects what the plan's last set came to, by stream", async () => {
  await nightly.configure("head -c 3M /dev/zero > {root}/{set}/app.pipe");
  const first = await stage.backup("nightly");
  await nightly.configure(ENDLESS);
  await using backup = await nightly.startFlowing();
  const { expectedBytes, streams } = await nightly.untilStatus(
    (run) => run.expectedBytes !== undefined,
    "an expectation",
  );
  expect(expectedBytes).toBe(6 * MiB);
  expect(streams.map((stream) => stream.expectedBytes)).toEqual([3 * MiB, 3 * MiB]);
  expect(first.streams).toHaveLength(2);
  backup.kill("SIGINT");
  await backup.outcome;
});

describe("cancel", () => {
  test.each(["the run's name", "the plan's name"])(
    "by %s ends the run as Ctrl-C does",
    async (by) => {
      await nightly.configure(ENDLESS);
      await using backup = await nightly.startFlowing();
      const set = await nightly.setOf(backup);
      const name = by === "the plan's name" ? "nightly" : set;
      const said = await stage.ok("cancel", name, "-o", "json");
      expect(JSON.parse(said)).toEqual({ run: set, status: "cancelled" });

      const outcome = await backup.outcome;
      const message = `cancelled by ${us} through penstock cancel`;
      expect(outcome).toMatchObject({ status: 130, stderr: `error: ${message}\n` });
      const result = JSON.parse(outcome.stdout.trimEnd().split("\n").at(-1) ?? "");
      expect(result).toMatchObject({ event: "result", set, status: "cancelled", error: message });
      expect(await stage.cluster.leftOvers()).toEqual([]);
      expect(await stage.sets()).toContainEqual(expect.objectContaining({ set, status: "failed" }));
    },
  );

  test("of a run that is not there says which there are", async () => {
    await nightly.configure(ENDLESS);
    await stage.fails(7, ["no running run is called nightly; there is none"], "cancel", "nightly");
    await using backup = await nightly.startFlowing();
    const set = await nightly.setOf(backup);
    const outcome = await stage.penstock("cancel", "weekly");
    expectFailure(outcome, 7, ["no running run is called weekly", `there are: ${set}`, "hint: "]);
    expect(backup.isRunning).toBe(true);
    backup.kill("SIGINT");
    await backup.outcome;
  });
});

test("throttle holds from now on, and off takes it away", async () => {
  // Rates that a busy machine reaches, too.
  await nightly.configure("cat /dev/zero > {root}/{set}/app.pipe", { throttle: "512KiB/s" });
  await using _backup = await nightly.startFlowing();
  const throttle = (...args: string[]): Promise<string> => stage.ok("throttle", "nightly", ...args);
  const [planned] = await nightly.status();
  expect(planned?.throttle).toBe(MiB / 2);

  expect(await throttle("4MiB/s")).toBe(`run ${planned?.run} may now move 4MiB/s\n`);
  const fast = await nightly.untilStatus(({ rate }) => rate > 2 * MiB, "a faster run");
  expect(fast.throttle).toBe(4 * MiB);
  await throttle("512KiB/s");
  await nightly.untilStatus(({ rate }) => rate < MiB, "a slower run");
  expect(await stage.ok("status")).toContain("(at most 512KiB/s)");
  const off = await throttle("off", "-o", "json");
  expect(JSON.parse(off)).toEqual({ run: planned?.run, throttle: null });
  const free = await nightly.untilStatus(({ rate }) => rate > 6 * MiB, "a run without a limit");
  expect(free.throttle).toBeNull();
  await stage.ok("cancel", "nightly");
  const audited = auditedPaces("sdw1");
  expect(audited[0]).toEqual([{ name: "app-sdw1", rate: expect.any(Number) }]);
  expect(audited.at(-1)).toEqual([{ name: "app-sdw1", rate: "off" }]);

  const words = ["allowed: ", "10MiB/s", "off"];
  expectFailure(await stage.penstock("throttle", "nightly", "fast"), 2, words);
});

test("a restore can be watched and cancelled, too", async () => {
  const restore = "cat {root}/{set}/app.pipe > /dev/null; sleep 1000";
  await nightly.configure("head -c 3M /dev/zero > {root}/{set}/app.pipe", {}, restore);
  const { set } = await stage.backup("nightly");
  const args = ["restore", "nightly", "--set", set, "-o", "json"];
  await using child = await stage.startPenstock(...args);
  const done = await nightly.untilStatus(
    ({ bytes }) => bytes === 6 * MiB,
    "all bytes to be given back",
  );
  expect(done).toMatchObject({ kind: "restore", set, expectedBytes: 6 * MiB });
  await stage.ok("cancel", set);
  expect(await child.outcome).toMatchObject({ status: 130 });
  expect(await stage.cluster.leftOvers()).toEqual([]);
});
