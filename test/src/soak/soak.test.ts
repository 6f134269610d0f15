import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../harness/child.ts";
import { guardChildren } from "../harness/guard-children.ts";
import { TempDir } from "../harness/temp-dir.ts";
import { type Attempt, wrongEnd } from "./attempt.ts";
import { checkRestore } from "./check-restore.ts";
import { checkSets, verifySet } from "./check-sets.ts";
import { outFolder } from "./configuration.ts";
import { expectedStatuses } from "./expected.ts";
import { Ground, type KnownSet } from "./ground.ts";
import { leftBehind } from "./left-behind.ts";
import { planOfRound } from "./plan-of-round.ts";
import { performRound } from "./round.ts";
import { AMPLE_LEASE_MS, type RoundPlan, type RunPlan } from "./round-plan.ts";
import { soak } from "./soak.ts";

guardChildren();
/** Longer than rounds ever take: one that hangs is told of before. */
const LIMIT_MS = 1_500_000;
const signal = AbortSignal.timeout(LIMIT_MS);
const SEED = 10;
const HOSTS = ["sdw1", "sdw2"];
let dir: TempDir;
let ground: Ground;
beforeAll(async () => {
  dir = await TempDir.create();
  ground = await Ground.open({ dir: dir.path, hosts: HOSTS, seed: SEED }, signal);
}, LIMIT_MS);
afterAll(async () => {
  await ground?.[Symbol.asyncDispose]();
  await dir?.[Symbol.asyncDispose]();
}, LIMIT_MS);

test(
  "some rounds with faults violate nothing",
  async () => {
    const told: string[] = [];
    const rounds = { minutes: 60, seed: SEED, rounds: 4, firstRound: 1 };
    const onRound = (_: RoundPlan, { problems }: { problems: readonly string[] }): void =>
      void told.push(...problems);
    const tally = await soak(rounds, ground, onRound, signal);
    expect(told).toEqual([]);
    expect(tally).toMatchObject({ seed: SEED, rounds: 4, violations: [] });
    expect(tally.commits).toBeGreaterThan(0);
    expect(Object.keys(tally.faults)).not.toEqual([]);
  },
  LIMIT_MS,
);

test("what is chosen for a round follows from the seed and its number alone", () => {
  const plans = [1, 2].map((seed) => planOfRound(seed, 7, HOSTS));
  expect(plans[0]).toEqual(planOfRound(1, 7, HOSTS));
  expect(plans[0]).not.toEqual(plans[1]);
  expect(plans[0]).not.toEqual({ ...planOfRound(1, 8, HOSTS), number: 7 });
});

test("in time, every kind of fault is chosen", () => {
  const rounds = Array.from({ length: 300 }, (_, number) => planOfRound(1, number, HOSTS));
  const faults = rounds.flatMap(({ runs, hostFaults }) => [
    ...runs.flatMap(({ fault }) => fault ?? []),
    ...hostFaults,
  ]);
  expect([...new Set(faults.map(({ kind }) => kind))].sort()).toEqual([
    "agent killed",
    "agent stopped",
    "answers lost",
    "connection cut",
    "controller killed",
    "full disk",
    "interrupted",
    "network down",
    "network held",
    "second run",
    "tool exits",
    "tool hangs",
    "tool killed",
    "unwritable target",
  ]);
});

describe("it is a violation that", () => {
  const backup: RunPlan = {
    plan: "beta",
    kind: "backup",
    streams: [{ name: "app0", kind: "fifo", contents: contents(100_000) }],
    settings: {
      compression: "none",
      leaseMs: AMPLE_LEASE_MS,
      segmentSize: "8GiB",
      throttle: "off",
    },
    fault: undefined,
  };
  let attempt: Attempt;
  let known: KnownSet;

  beforeAll(async () => {
    const plan = { number: 0, runs: [backup], hostFaults: [], beside: [], choice: 0 };
    const { attempts, problems } = await performRound(plan, ground, signal);
    expect(problems).toEqual([]);
    attempt = attempts[0] as Attempt;
    known = ground.sets.at(-1) as KnownSet;
  }, LIMIT_MS);

  const problemsOf = async (changed: Attempt): Promise<readonly string[]> => {
    const { problems } = await checkSets(ground, [changed], signal);
    return problems;
  };

  test("a committed set has other bytes than its tools wrote", async () => {
    expect(await problemsOf(attempt)).toEqual([]);
    const streams = [{ ...backup.streams[0], contents: contents(100_001) }] as RunPlan["streams"];
    const changed = { ...attempt, run: { ...backup, streams } };
    expect(await problemsOf(changed)).toEqual([expect.stringContaining("instead of app0-sdw1")]);
  });

  test("a run that has failed has a committed set", async () => {
    const failed = { ...attempt, outcome: { ...attempt.outcome, status: 1 } };
    const said = `set ${known.set} is committed, but its run said that it is absent`;
    expect(await problemsOf(failed)).toEqual([said]);
  });

  test("nobody has said that a set is committed", async () => {
    const others = ground.sets.filter((set) => set !== known);
    ground.sets.splice(0, ground.sets.length, ...others);
    const { problems } = await checkSets(ground, [], signal);
    ground.sets.push(known);
    expect(problems).toEqual([`set ${known.set} is committed, and no run has said so`]);
  });

  test("a command ends as its faults cannot make it end", () => {
    const status = { ...attempt.outcome, status: 4, stderr: "error: x\n" };
    const expected = expectedStatuses(backup, { hostFaults: [], isAwaited: true });
    const said = "backup beta -o json ended with 4 instead of 0: error: x";
    expect(wrongEnd({ ...attempt, expected, outcome: status })).toBe(said);
    expect(wrongEnd({ ...attempt, expected })).toBeUndefined();
  });

  test("a consumer has seen the end of less than everything", async () => {
    const restore: Attempt = { ...attempt, restored: known };
    const never = HOSTS.map((host) => expect.stringMatching(`app0 on ${host} has not come to`));
    expect(await checkRestore(ground, restore)).toEqual(never);
    const folder = outFolder(ground, backup, "sdw1");
    await writeFile(join(folder, "app0"), "a part");
    await writeFile(join(folder, "app0.end"), "");
    const failed = { ...restore, outcome: { ...attempt.outcome, status: 1 } };
    const said = expect.stringMatching("app0 on sdw1 has ended, .* not get the bytes");
    expect(await checkRestore(ground, failed)).toEqual([said]);
  });

  test("a pipe stays on a host, or a part at a target; each is told once", async () => {
    const [host] = ground.cluster.hosts;
    const pipe = join(host?.root ?? "", "left.pipe");
    const store = ground.storeOf("alpha");
    await run("mkfifo", [pipe], {}, signal);
    await run("mkdir", [join(store, ".partial")], {}, signal);
    const left = [`left behind: ${pipe}`, `left behind: ${join(store, ".partial")}`];
    expect(await leftBehind(ground, [store], 100, signal)).toEqual(left);
    expect(await leftBehind(ground, [store], 100, signal)).toEqual([]);
    await rm(pipe);
  });

  test("a set is damaged or gone", async () => {
    const streams = join(ground.storeOf("beta"), "warehouse", known.set, "streams");
    const objects = (await readdir(streams)).filter((name) => name.startsWith("app0-sdw1"));
    for (const name of objects) await writeFile(join(streams, name), "x");
    expect(await verifySet(ground, known, signal)).toEqual([
      expect.stringMatching(`^verify of set ${known.set} ended with 4: error: `),
    ]);
    await rm(join(streams, ".."), { recursive: true });
    const { problems } = await checkSets(ground, [], signal);
    expect(problems).toEqual([`set ${known.set} was committed, and is gone`]);
  });
});

function contents(bytes: number): RunPlan["streams"][number]["contents"] {
  const content = { fromByte: 0, bytes, pieces: 3, pauseMs: 0 };
  return Object.fromEntries(HOSTS.map((host) => [host, content]));
}
