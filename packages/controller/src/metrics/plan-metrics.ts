import type { Metric, Sample } from "@penstock/common";
import type { CommittedSet, PlanOutcome } from "./plan-outcome.ts";

const LABELS = ["cluster", "plan"];

/** What is told of plans, by a run's endpoint and in `metrics.prom`. A plan without any is left out. */
export const PLAN_METRICS: readonly Metric<readonly PlanOutcome[]>[] = [
  {
    name: "penstock_last_success_timestamp_seconds",
    type: "gauge",
    help: "When the plan's newest committed set was committed",
    labels: LABELS,
    read: (outcomes) => ofSuccesses(outcomes, ({ endedAt }) => toSeconds(endedAt)),
  },
  {
    name: "penstock_last_success_duration_seconds",
    type: "gauge",
    help: "How long the run of that set took",
    labels: LABELS,
    read: (outcomes) =>
      ofSuccesses(outcomes, ({ startedAt, endedAt }) => toSeconds(endedAt) - toSeconds(startedAt)),
  },
  {
    name: "penstock_last_success_raw_bytes",
    type: "gauge",
    help: "Bytes that the tools of that set wrote",
    labels: LABELS,
    read: (outcomes) => ofSuccesses(outcomes, ({ bytesRaw }) => bytesRaw),
  },
  {
    name: "penstock_last_success_stored_bytes",
    type: "gauge",
    help: "Bytes that are stored of them, on each target",
    labels: LABELS,
    read: (outcomes) => ofSuccesses(outcomes, ({ bytesStored }) => bytesStored),
  },
  {
    name: "penstock_last_failure_timestamp_seconds",
    type: "gauge",
    help: "When a backup of the plan has last failed; a cancelled one has not",
    labels: LABELS,
    read: (outcomes) =>
      outcomes.flatMap(({ cluster, plan, failedAt }) =>
        failedAt === undefined ? [] : [{ value: toSeconds(failedAt), labels: { cluster, plan } }],
      ),
  },
];

function ofSuccesses(
  outcomes: readonly PlanOutcome[],
  value: (set: CommittedSet) => number,
): Sample[] {
  return outcomes.flatMap(({ cluster, plan, success }) =>
    success === undefined ? [] : [{ value: value(success), labels: { cluster, plan } }],
  );
}

function toSeconds(time: string): number {
  return Date.parse(time) / 1000;
}
