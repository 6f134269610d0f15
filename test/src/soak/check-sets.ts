import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Manifest } from "@penstock/common";
import { CLUSTER_NAME } from "../harness/cluster.ts";
import { type Attempt, claimOf } from "./attempt.ts";
import type { Ground, KnownSet } from "./ground.ts";
import { targetOf } from "./places.ts";
import { PLANS } from "./round-plan.ts";

/** As many sets of a plan stay for later rounds. */
const KEPT_SETS = 3;

/** What a round has added, and what is wrong. */
export interface CheckedSets {
  readonly committed: readonly KnownSet[];
  readonly problems: readonly string[];
}

/**
 * Checks that each set is there or not as its run's end claims, that those of earlier rounds still
 * are, and that each new one has the bytes of its tools. To be called when nothing runs.
 */
export async function checkSets(
  ground: Ground,
  attempts: readonly Attempt[],
  signal: AbortSignal,
): Promise<CheckedSets> {
  const { status, stdout, stderr } = await ground.penstock(["list", "-o", "json"], signal);
  if (status !== 0) return { committed: [], problems: [`list ended with ${status}: ${stderr}`] };
  const listed = JSON.parse(stdout) as { set: string; status: string }[];
  const statuses = new Map(listed.map((each) => [each.set, each.status]));
  const last = new Map(attempts.flatMap((each) => (each.set ? [[each.set, each]] : [])));
  const claims = [...last].map(([set, attempt]) => claimProblem(set, attempt, statuses.get(set)));
  const known = new Set([...ground.sets.map(({ set }) => set), ...last.keys()]);
  const others = listed.filter(({ set, status }) => status === "committed" && !known.has(set));
  const lost = ground.sets.filter(({ set }) => statuses.get(set) !== "committed");
  const committed = [...last.values()].flatMap((each) => toKnown(each, statuses));
  const contents = await Promise.all(committed.map((set) => checkContent(ground, set, signal)));
  const problems = [
    ...claims.filter((problem) => problem !== undefined),
    ...others.map(({ set }) => `set ${set} is committed, and no run has said so`),
    ...lost.map(({ set }) => `set ${set} was committed, and is ${statuses.get(set) ?? "gone"}`),
    ...listed
      .filter((each) => each.status === "running")
      .map(({ set }) => `set ${set} is listed as running`),
    ...contents.flat(),
  ];
  return { committed, problems };
}

/** What is wrong with a set by `verify`; none is good. */
export async function verifySet(
  ground: Ground,
  { set, target }: KnownSet,
  signal: AbortSignal,
): Promise<string[]> {
  const { status, stderr } = await ground.penstock(["verify", set, "--target", target], signal);
  return status === 0 ? [] : [`verify of set ${set} ended with ${status}: ${stderr.trim()}`];
}

/** Removes all sets but the newest known ones of each plan. */
export async function removeOldSets(ground: Ground, attempts: readonly Attempt[]): Promise<void> {
  const kept = PLANS.flatMap((plan) =>
    ground.sets.filter((each) => each.plan === plan).slice(-KEPT_SETS),
  );
  const names = new Set(kept.map(({ set }) => set));
  const ended = attempts.flatMap(({ set, run }) => (set ? [{ set, plan: run.plan }] : []));
  for (const { set, plan } of [...ground.sets, ...ended].filter((each) => !names.has(each.set))) {
    await rm(join(ground.storeOf(plan), CLUSTER_NAME, set), { recursive: true, force: true });
  }
  ground.sets.splice(0, ground.sets.length, ...kept);
}

function claimProblem(
  set: string,
  attempt: Attempt,
  status: string | undefined,
): string | undefined {
  const claim = claimOf(attempt);
  const isCommitted = status === "committed";
  if (claim === "either" || (claim === "committed") === isCommitted) return undefined;
  return `set ${set} is ${status ?? "not there"}, but its run said that it is ${claim}`;
}

function toKnown({ set = "", run }: Attempt, statuses: ReadonlyMap<string, string>): KnownSet[] {
  const { plan, streams } = run;
  const isCommitted = statuses.get(set) === "committed";
  return isCommitted ? [{ set, plan, target: targetOf(run), streams }] : [];
}

/** Also whether its bytes are at the target as they should be. */
async function checkContent(
  ground: Ground,
  known: KnownSet,
  signal: AbortSignal,
): Promise<string[]> {
  const shown = ground.penstock(["show", known.set, "-o", "json"], signal);
  const [{ status, stdout, stderr }, damage] = await Promise.all([
    shown,
    verifySet(ground, known, signal),
  ]);
  if (status !== 0) return [...damage, `show ${known.set} ended with ${status}: ${stderr.trim()}`];
  const { streams } = JSON.parse(stdout) as Manifest;
  const found = streams.map((each) => line(each.name, each.bytesRaw, each.sha256Raw)).sort();
  const wanted = known.streams.flatMap(({ name, contents }) =>
    Object.entries(contents).map(([host, content]) =>
      line(`${name}-${host}`, content.bytes, ground.pool.digestOf(content)),
    ),
  );
  const isSame = found.join("\n") === wanted.sort().join("\n");
  if (isSame) return damage;
  return [...damage, `set ${known.set} holds ${found.join(", ")} instead of ${wanted.join(", ")}`];
}

function line(name: string, bytes: number, digest: string): string {
  return `${name} (${bytes} bytes, ${digest})`;
}
