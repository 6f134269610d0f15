import { writeFile } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { run } from "../harness/child.ts";
import { untilNone } from "../harness/until.ts";
import { copyPlan, ONE_PIPE, toPlan } from "./shell-plan.ts";
import { expectFailure, openStage } from "./stage.ts";

const HOSTS = ["sdw1", "sdw2"];
const stage = openStage({ hosts: HOSTS });

/** Its tools wait until the test has opened the gate: a pipe in the data of each host. */
const gatedPlan = (hosts: readonly string[], gate: string, settings = {}): object =>
  toPlan(stage, {
    hosts,
    streams: ONE_PIPE,
    backup: `exec 3> {root}/{set}/app.pipe; cat {data}/${gate} >&3`,
    settings,
  });

async function makeGates(hosts: readonly string[], gate: string): Promise<void> {
  const gates = hosts.map((host) => join(stage.dataOf(host), gate));
  expect(await run("mkfifo", gates, {}, stage.signal)).toMatchObject({ status: 0 });
}

/** Opens the gates of hosts whose tools are waiting there. */
async function open(hosts: readonly string[], gate: string): Promise<void> {
  await Promise.all(hosts.map((host) => writeFile(join(stage.dataOf(host), gate), "rows\n")));
}

test("a second run of a plan is refused and told who holds the lock since when, other plans are not", async () => {
  await makeGates(HOSTS, "gate");
  for (const host of HOSTS) await stage.put(host, "in", "rows\n");
  const plans = { nightly: gatedPlan(HOSTS, "gate"), weekly: copyPlan(stage, HOSTS) };
  await stage.cluster.configure({ plans });
  const before = new Date().toISOString();
  await using first = await stage.startPenstock("backup", "nightly", "-o", "json");
  const [started] = await first.stdout.waitFor(/{"event":"started".*/, stage.signal);
  const { set } = JSON.parse(started);
  await first.stdout.waitFor(/"event":"tool"/, stage.signal);

  const second = await stage.penstock("backup", "nightly");
  const holder = `${userInfo().username}@${hostname()}, process ${first.pid}`;
  expectFailure(second, 5, ["agent sdw1", "plan nightly is locked", holder, set, "hint: "]);
  const [, since = ""] = /since (\S+Z)/.exec(second.stderr) ?? [];
  expect(since >= before && since <= new Date().toISOString()).toBe(true);

  expect(await stage.sets()).toMatchObject([{ set, status: "running" }]);
  const other = await stage.backup("weekly");
  expect(other.set).not.toBe(set);
  await open(HOSTS, "gate");
  expect(await first.outcome).toMatchObject({ status: 0 });
  expect(await stage.cluster.leftOvers()).toEqual([]);
});

test("of two controllers that start at the same moment exactly one wins", async () => {
  await makeGates(HOSTS, "race");
  await stage.cluster.configure({ plans: { nightly: gatedPlan(HOSTS, "race") } });
  await using one = await stage.startPenstock("backup", "nightly", "-o", "json");
  await using two = await stage.startPenstock("backup", "nightly", "-o", "json");
  const loser = await Promise.race([one.outcome, two.outcome]);
  expectFailure(loser, 5, ["plan nightly is locked"]);
  await open(HOSTS, "race");
  const outcomes = await Promise.all([one.outcome, two.outcome]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual([0, 5]);
});

test("different plans that start at the same moment on different hosts get sets of their own", async () => {
  for (const host of HOSTS) await stage.put(host, "in", "rows\n");
  const plans = Object.fromEntries(HOSTS.map((host) => [host, copyPlan(stage, [host])]));
  await stage.cluster.configure({ plans });
  const manifests = await Promise.all(HOSTS.map((host) => stage.backup(host)));
  expect(new Set(manifests.map(({ set }) => set)).size).toBe(2);
});

test("the lock of a holder that was killed is free again after its lease", async () => {
  await makeGates(HOSTS, "never");
  for (const host of HOSTS) await stage.put(host, "in", "rows\n");
  // Long enough for a second run to find it locked, on a busy machine, too.
  const nightly = gatedPlan(HOSTS, "never", { lease: "10s" });
  await stage.cluster.configure({ plans: { nightly } });
  await using killed = await stage.startPenstock("backup", "nightly", "-o", "json");
  await killed.stdout.waitFor(/"event":"tool"/, stage.signal);
  killed.killGroup();
  await killed.outcome;
  expectFailure(await stage.penstock("backup", "nightly"), 5, [`process ${killed.pid} since`]);
  const { signal } = stage;
  await untilNone(async () => {
    const { stdout } = await stage.penstock("check");
    return /busy with plan nightly/.test(stdout) ? [stdout] : [];
  }, signal);
  expect(await stage.cluster.leftOvers()).toEqual([]);
  expect(await stage.sets()).toContainEqual(expect.objectContaining({ status: "failed" }));
  await stage.cluster.configure({ plans: { nightly: copyPlan(stage, HOSTS) } });
  await stage.backup("nightly");
});

test("a run that fails at its start leaves no lock", async () => {
  const wrong = toPlan(stage, { hosts: HOSTS, streams: ONE_PIPE, backup: "exit 3" });
  await stage.cluster.configure({ plans: { nightly: wrong } });
  await stage.fails(1, ["sh on sdw", "exited with status 3"], "backup", "nightly");
  const missing = {
    ...wrong,
    producer: { ...(wrong as { producer: object }).producer, backup: { tool: "pg_dump" } },
  };
  await stage.cluster.configure({ plans: { nightly: missing } });
  await stage.fails(2, ["tool pg_dump is not allowed"], "backup", "nightly");
  await stage.cluster.configure({ plans: { nightly: copyPlan(stage, HOSTS) } });
  await stage.backup("nightly");
});
