import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Manifest } from "@penstock/common";
import { expect, test } from "vitest";
import { run } from "../harness/child.ts";
import { copyPlan, toPlan } from "./shell-plan.ts";
import { openStage } from "./stage.ts";

const MIB = 2 ** 20;
const HOSTS = ["sdw1", "sdw2"];
const stage = openStage({ hosts: HOSTS, agentSettings: { threads: 2 } });

/** What the limit lets pass takes this long; beyond it are a chunk and a tenth of a second's worth. */
const RATE = 4 * MIB;
const TOTAL_BYTES = 16 * MIB;
const LEAST_MS = 0.9 * 1000 * (TOTAL_BYTES / RATE);

test("a run with a throttle takes its time, both ways, and every byte is right", async () => {
  for (const host of HOSTS) await stage.put(host, "in", randomBytes(TOTAL_BYTES / HOSTS.length));
  const settings = { compression: "none", throttle: RATE };
  await stage.cluster.configure({ plans: { nightly: copyPlan(stage, HOSTS, settings) } });
  const manifest = await stage.backup("nightly");
  expect(Date.parse(manifest.endedAt) - Date.parse(manifest.startedAt)).toBeGreaterThan(LEAST_MS);
  expect(manifest.streams.map(({ bytesStored }) => bytesStored)).toEqual([8 * MIB, 8 * MIB]);
  await stage.ok("verify", manifest.set);
  const begunMs = performance.now();
  await stage.ok("restore", "nightly", "--set", manifest.set);
  expect(performance.now() - begunMs).toBeGreaterThan(LEAST_MS);
  for (const host of HOSTS) await expectSame(host, "in", "out");
  expect(await stage.cluster.leftOvers()).toEqual([]);
});

test("what a host has too much for its limit waits", async () => {
  const { set, startedAt, endedAt, streams } = await backupTwo({ throttle: { host: RATE } });
  expect(Date.parse(endedAt) - Date.parse(startedAt)).toBeGreaterThan(LEAST_MS);
  expect(streams).toHaveLength(2);
  await stage.ok("verify", set);
});

test("the window of the day that is open now sets the limit, in place of the plan's", async () => {
  const windows = [
    { from: inHours(2), to: inHours(3), rate: "off" },
    { from: inHours(-1), to: inHours(1), rate: RATE },
    { rate: "off" },
  ];
  const { startedAt, endedAt } = await backupTwo({ throttle: "off", windows });
  expect(Date.parse(endedAt) - Date.parse(startedAt)).toBeGreaterThan(LEAST_MS);
});

test("a collected file and an empty stream are no reason for a throttled run to wait", async () => {
  await stage.put("sdw1", "in", "");
  const plan = toPlan(stage, {
    hosts: ["sdw1"],
    streams: [{ name: "empty", kind: "fifo", path: "{root}/{set}/empty" }],
    backup: "cat {data}/in > {root}/{set}/empty; echo rows > {root}/{set}/report",
    restore: "cat {root}/{set}/empty > {data}/out",
    files: ["{root}/{set}/report"],
    settings: { throttle: { run: "1KiB/s", stream: "1KiB/s" } },
  });
  await stage.cluster.configure({ plans: { nightly: plan } });
  const { set, streams } = await stage.backup("nightly");
  expect(streams.map(({ name, bytesRaw }) => [name, bytesRaw])).toEqual([
    ["empty", 0],
    ["sdw1.report", 5],
  ]);
  await run("rm", ["-r", join(stage.cluster.host("sdw1").root, set)], {}, stage.signal);
  await stage.ok("restore", "nightly", "--set", set);
  await expectSame("sdw1", "in", "out");
});

async function expectSame(host: string, one: string, other: string): Promise<void> {
  const [left, right] = await Promise.all(
    [one, other].map((name) => readFile(join(stage.dataOf(host), name))),
  );
  expect(left && right?.equals(left)).toBe(true);
}

/** The time of day, as the machine's clock shows it then. */
function inHours(hours: number): string {
  return new Date(Date.now() + hours * 3_600_000).toTimeString().slice(0, 5);
}

/** Backs up two streams of one host. */
async function backupTwo(settings: Readonly<Record<string, unknown>>): Promise<Manifest> {
  const names = ["one", "two"];
  for (const name of names) await stage.put("sdw1", name, randomBytes(TOTAL_BYTES / names.length));
  const plan = toPlan(stage, {
    hosts: ["sdw1"],
    streams: names.map((name) => ({ name, kind: "fifo", path: `{root}/{set}/${name}` })),
    backup: `${names.map((name) => `cat {data}/${name} > {root}/{set}/${name}`).join(" & ")}; wait`,
    settings: { compression: "none", ...settings },
  });
  await stage.cluster.configure({ plans: { nightly: plan } });
  return await stage.backup("nightly");
}
