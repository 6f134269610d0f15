import { serveMetrics } from "@penstock/common";
import type { RunSnapshot } from "../runs/run-snapshot.ts";
import { VERSION } from "../version.ts";
import { readOutcomes } from "./outcome-files.ts";
import { mergeOutcomes, type PlanOutcome } from "./plan-outcome.ts";
import { CONTROLLER_METRICS } from "./run-metrics.ts";

/** Where a run's metrics are served, and what else they tell. */
export interface RunMetricsSettings {
  /** `host:port`. */
  readonly listen: string;
  /** What the targets know of the configuration's plans: their newest committed sets. May fail. */
  readonly committed: (signal: AbortSignal) => Promise<readonly PlanOutcome[]>;
}

/** A run whose metrics are served. */
export interface MeasuredRun {
  readonly runDirectory: string;
  snapshot(): RunSnapshot;
}

const COMMITTED_TIMEOUT_MS = 30_000;

/**
 * Serves the metrics of a run. What is known of plans is looked up beside the run, and is not there before
 * that is found. Throws `usage` if the address cannot be taken. `signal` is aborted when the run ends.
 */
export async function serveRunMetrics(
  { listen, committed }: RunMetricsSettings,
  run: MeasuredRun,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  let outcomes: readonly PlanOutcome[] = [];
  const server = await serveMetrics(listen, CONTROLLER_METRICS, () => ({
    ...{ run: run.snapshot(), version: VERSION, outcomes },
  }));
  const add = async (found: Promise<readonly PlanOutcome[]>): Promise<void> => {
    // Storage that is broken is told of by what the run itself does there.
    const more = await found.catch(() => []);
    outcomes = mergeOutcomes([...outcomes, ...more]);
  };
  const soon = AbortSignal.any([signal, AbortSignal.timeout(COMMITTED_TIMEOUT_MS)]);
  void add(readOutcomes(run.runDirectory));
  void add(committed(soon));
  return server;
}
