import type { Metric, Sample } from "@penstock/common";
import type { StreamState } from "../runs/report.ts";
import type { RunSnapshot } from "../runs/run-snapshot.ts";
import { PLAN_METRICS } from "./plan-metrics.ts";
import type { PlanOutcome } from "./plan-outcome.ts";

/** What a running controller tells at one moment. */
export interface RunState {
  readonly run: RunSnapshot;
  /** Of `penstock`. */
  readonly version: string;
  readonly outcomes: readonly PlanOutcome[];
}

/** The same for all metrics of a run. Streams have no label: there may be a thousand. */
const LABELS = ["cluster", "plan", "kind"];

const STATES: readonly StreamState[] = [
  ...(["preparing", "attached", "flowing", "received"] as const),
  ...(["done", "absent", "failed"] as const),
];

const RUN_METRICS: readonly Metric<RunState>[] = [
  {
    name: "penstock_run_info",
    type: "gauge",
    help: "Always 1; its labels say which run this is",
    labels: [...LABELS, "set", "version"],
    read: ({ run, version }) => [{ value: 1, labels: { ...labelsOf(run), set: run.set, version } }],
  },
  {
    name: "penstock_run_start_timestamp_seconds",
    type: "gauge",
    help: "When the run has begun",
    labels: LABELS,
    read: ({ run }) => one(run, Date.parse(run.startedAt) / 1000),
  },
  {
    name: "penstock_run_streams",
    type: "gauge",
    help: "Streams of the run by state, as penstock status shows it",
    labels: [...LABELS, "state"],
    read: ({ run }) =>
      STATES.map((state) => ({
        value: run.streams.filter((stream) => stream.state === state).length,
        labels: { ...labelsOf(run), state },
      })),
  },
  {
    name: "penstock_run_stragglers",
    type: "gauge",
    help: "Streams that hold up the run",
    labels: LABELS,
    read: ({ run }) => one(run, run.streams.filter(({ isStraggler }) => isStraggler).length),
  },
  {
    name: "penstock_run_stored_bytes_total",
    type: "counter",
    help: "Stored bytes that were moved so far",
    labels: LABELS,
    read: ({ run }) => one(run, run.bytes),
  },
  {
    name: "penstock_run_expected_bytes",
    type: "gauge",
    help: "Stored bytes that the run may come to, if that is known",
    labels: LABELS,
    read: ({ run }) => one(run, run.expectedBytes),
  },
  {
    name: "penstock_run_rate_bytes_per_second",
    type: "gauge",
    help: "Stored bytes a second, the mean of the last five",
    labels: LABELS,
    read: ({ run }) => one(run, run.rate),
  },
  {
    name: "penstock_run_throttle_bytes_per_second",
    type: "gauge",
    help: "What the run may move a second, if it is throttled",
    labels: LABELS,
    read: ({ run }) => one(run, run.throttle ?? undefined),
  },
  {
    name: "penstock_run_eta_seconds",
    type: "gauge",
    help: "How long the run may still take, if that can be said",
    labels: LABELS,
    read: ({ run }) => one(run, run.eta ?? undefined),
  },
  {
    name: "penstock_run_reconnects_total",
    type: "counter",
    help: "Connections to agents that were lost and found again",
    labels: LABELS,
    read: ({ run }) => one(run, run.reconnects),
  },
];

/** All metrics of a running controller. */
export const CONTROLLER_METRICS: readonly Metric<RunState>[] = [
  ...RUN_METRICS,
  ...PLAN_METRICS.map(({ read, ...about }) => ({
    ...about,
    read: ({ outcomes }: RunState) => read(outcomes),
  })),
];

/** None if it is not known. */
function one(run: RunSnapshot, value: number | undefined): Sample[] {
  return value === undefined ? [] : [{ value, labels: labelsOf(run) }];
}

function labelsOf({ cluster, plan, kind }: RunSnapshot): Readonly<Record<string, string>> {
  return { cluster, plan, kind };
}
