import { type Attempt, wrongEnd } from "./attempt.ts";
import { checkRestore } from "./check-restore.ts";
import { checkSets, removeOldSets, verifySet } from "./check-sets.ts";
import type { Ground } from "./ground.ts";
import { AFTER_LEASE_MS, leftBehind } from "./left-behind.ts";
import type { Places } from "./places.ts";
import { PLANS, type RoundPlan } from "./round-plan.ts";

/** A round that is over. */
export interface EndedRound {
  readonly plan: RoundPlan;
  readonly attempts: readonly Attempt[];
  readonly places: Places;
}

/**
 * Checks all that must hold after a round: ends of commands, nothing left behind, each set whole or
 * absent, consumers, agents. Sets that are no longer needed are removed.
 */
export async function checkRound(
  ground: Ground,
  { plan, attempts, places }: EndedRound,
  signal: AbortSignal,
): Promise<{ readonly committed: number; readonly problems: readonly string[] }> {
  const stores = [...PLANS.map((name) => ground.storeOf(name)), ...places.stores];
  const leaseMs = Math.max(0, ...plan.runs.map(({ settings }) => settings.leaseMs));
  const left = await leftBehind(ground, stores, leaseMs + AFTER_LEASE_MS, signal);
  await ground.configure({ plans: {}, targets: places.usable });
  const old = ground.sets[Math.floor(plan.choice * ground.sets.length)];
  const [{ committed, problems }, ...others] = await Promise.all([
    checkSets(ground, attempts, signal),
    old === undefined ? [] : verifySet(ground, old, signal),
    checkAgents(ground, signal),
    ...attempts.map((attempt) => checkRestore(ground, attempt)),
  ]);
  ground.sets.push(...committed.filter(({ plan, target }) => target === plan)); // others go at once
  await removeOldSets(ground, attempts);
  const ends = attempts.map(wrongEnd).filter((problem) => problem !== undefined);
  return {
    committed: committed.length,
    problems: [...ends, ...left, ...problems, ...others.flat()],
  };
}

/** They are there, answer, and have not grown. */
async function checkAgents(ground: Ground, signal: AbortSignal): Promise<string[]> {
  const { status, stderr } = await ground.penstock(["check"], signal);
  const grown = await Promise.all(ground.cluster.hosts.map((host) => ground.health.problems(host)));
  if (status === 0) return grown.flat();
  return [`check ended with ${status}: ${stderr.trim()}`, ...grown.flat()];
}
