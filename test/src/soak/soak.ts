import { keepEvidence } from "./evidence.ts";
import type { Ground } from "./ground.ts";
import type { SoakOptions } from "./options.ts";
import { planOfRound } from "./plan-of-round.ts";
import { performRound, type RoundResult } from "./round.ts";
import type { RoundPlan } from "./round-plan.ts";
import { emptyTally, type Tally, withRound } from "./tally.ts";

const MINUTE_MS = 60_000;

/** Is told of each round when it is over. */
export type OnRound = (plan: RoundPlan, result: RoundResult) => void;

/**
 * Performs rounds until the time or their number is used up. A round that has violated something leaves
 * evidence in the ground's folder, and the next one begins. Throws only if the signal aborts.
 */
export async function soak(
  { minutes, seed, rounds, firstRound }: Omit<SoakOptions, "output">,
  ground: Ground,
  onRound: OnRound,
  signal: AbortSignal,
): Promise<Tally> {
  const startedAt = performance.now();
  const passed = (): number => (performance.now() - startedAt) / MINUTE_MS;
  const hosts = ground.cluster.hosts.map(({ name }) => name);
  let tally = emptyTally(seed);
  for (let number = firstRound; number < firstRound + rounds && passed() < minutes; number++) {
    const plan = planOfRound(seed, number, hosts);
    const result = await performRound(plan, ground, signal);
    tally = withRound(tally, number, result);
    onRound(plan, result);
    if (result.problems.length > 0) await keepEvidence(ground, plan, result);
  }
  return { ...tally, minutes: passed() };
}
