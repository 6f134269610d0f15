import type { Attempt } from "./attempt.ts";
import { checkRound } from "./check-round.ts";
import type { Ground } from "./ground.ts";
import { perform } from "./perform-round.ts";
import { preparePlaces } from "./places.ts";
import { AMPLE_LEASE_MS, type RoundPlan } from "./round-plan.ts";

/** What has become of a round. */
export interface RoundResult {
  readonly attempts: readonly Attempt[];
  /** Kinds of those that have happened. */
  readonly faults: readonly string[];
  /** How many sets it has added. */
  readonly committed: number;
  /** Must be none. */
  readonly problems: readonly string[];
}

/** Performs a round and checks what must hold after it. Throws only if the signal aborts. */
export async function performRound(
  plan: RoundPlan,
  ground: Ground,
  signal: AbortSignal,
): Promise<RoundResult> {
  const before = await makeMissingSets(plan, ground, signal);
  await using places = await preparePlaces(ground, plan.runs, signal);
  const { attempts, faults, problems } = await perform(plan, ground, places, signal);
  const checked = await checkRound(ground, { plan, attempts, places }, signal);
  return {
    attempts: [...(before?.attempts ?? []), ...attempts],
    faults,
    committed: (before?.committed ?? 0) + checked.committed,
    problems: [...(before?.problems ?? []), ...problems, ...checked.problems],
  };
}

/** A plan that is to be restored and has no set is backed up first, undisturbed. */
async function makeMissingSets(
  plan: RoundPlan,
  ground: Ground,
  signal: AbortSignal,
): Promise<RoundResult | undefined> {
  const runs = plan.runs.flatMap((run) => {
    if (run.kind === "backup" || ground.sets.some((set) => set.plan === run.plan)) return [];
    const settings = { ...run.settings, leaseMs: AMPLE_LEASE_MS };
    return [{ ...run, settings, kind: "backup" as const, fault: undefined }];
  });
  if (runs.length === 0) return undefined;
  return await performRound({ ...plan, runs, hostFaults: [], beside: [] }, ground, signal);
}
