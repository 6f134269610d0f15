import { newestOfPlans } from "../catalogue/newest-of-plans.ts";
import { type PlanOutcome, toOutcome } from "../metrics/plan-outcome.ts";
import type { Loaded } from "./loaded.ts";

/**
 * What the newest committed set of each plan of the configuration is, as its first target says. A target
 * that cannot be read tells nothing: it is the runs of its own plans that must say so.
 */
export async function committedSets(loaded: Loaded, signal: AbortSignal): Promise<PlanOutcome[]> {
  const { cluster, plans } = loaded.config;
  const byTarget = Map.groupBy(Object.entries(plans), ([, { targets }]) => targets[0] ?? "");
  const found = [...byTarget].map(async ([name, entries]) => {
    const opened = await loaded.targets([name], signal);
    const names = entries.map(([plan]) => plan);
    const newest = opened.map(({ target }) => newestOfPlans(target, cluster, names, signal));
    return (await Promise.all(newest)).flat().map(toOutcome);
  });
  const results = await Promise.allSettled(found);
  return results.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
}
