import { loadavg } from "node:os";
import { resolve } from "node:path";
import type { Contender } from "./contender.ts";
import { type Measurement, measureAll } from "./measure.ts";
import { median } from "./median.ts";
import { openNc } from "./nc.ts";
import type { BenchOptions } from "./options.ts";
import { contenderName, createPenstock, type Threads } from "./penstock.ts";
import type { BenchResult } from "./report.ts";
import { createSeed } from "./seed.ts";
import { openSsh } from "./ssh.ts";
import { compare, type Ratio, type SummaryRow, summarize } from "./summary.ts";

/** More than this before the first run, and others share the processors. */
const BUSY_LOAD = 1;

/** The first is what the others are compared with. */
const THREADS: readonly Threads[] = [
  { agent: 1, movers: 1 },
  { agent: 1, movers: 2 },
  { agent: 2, movers: 1 },
  { agent: 2, movers: 2 },
];

/**
 * Measures nc, ssh and Penstock side by side and sums up. `onDone` is told each run. Whatever it
 * started has ended, and its files are gone, when this returns or throws.
 */
export async function benchStreams(
  options: BenchOptions,
  onDone: (measurement: Measurement) => void,
  signal: AbortSignal,
): Promise<BenchResult> {
  if (options.profileDirectory !== undefined) profilePrograms(options.profileDirectory);
  const [loadBefore = 0] = loadavg();
  await using resources = new AsyncDisposableStack();
  const seed = resources.use(await createSeed(shortestStreamBytes(options)));
  const { contenders, missing } = await openContenders(resources, signal);
  const measurements: Measurement[] = [];
  const onMeasured = (measurement: Measurement): void => {
    measurements.push(measurement);
    onDone(measurement);
  };
  await measureAll(contenders, options, seed, onMeasured, signal);
  const rows = summarize(measurements);
  const notes = [
    ...missing.map((reason) => `not measured: ${reason}`),
    ...idleNote(measurements),
    ...busyNote(loadBefore),
  ];
  return { rows, ratios: ratiosOf(rows), notes };
}

/** Every Node program started from now on, and each of its threads, leaves a profile at its end. */
function profilePrograms(directory: string): void {
  process.env["NODE_OPTIONS"] = `--cpu-prof --cpu-prof-dir=${resolve(directory)}`;
}

function shortestStreamBytes({ sizeBytes, streamCounts }: BenchOptions): number {
  return Math.ceil(sizeBytes / Math.max(...streamCounts));
}

async function openContenders(
  resources: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<{ contenders: Contender[]; missing: string[] }> {
  const contenders: Contender[] = [];
  const missing: string[] = [];
  for (const open of [openNc, openSsh]) {
    const available = await open(signal);
    if ("missing" in available) missing.push(available.missing);
    else contenders.push(resources.use(available));
  }
  contenders.push(...THREADS.map(createPenstock));
  return { contenders, missing };
}

/** Penstock against the pipelines, and with more threads against one. */
function ratiosOf(rows: readonly SummaryRow[]): Ratio[] {
  const [one = "", ...more] = THREADS.map(contenderName);
  return [...compare(rows, [one, ...more], ["ssh", "nc"]), ...compare(rows, more, [one])];
}

function idleNote(measurements: readonly Measurement[]): string[] {
  const idle = measurements.flatMap(({ idleAgentBytes }) => idleAgentBytes ?? []);
  return idle.length === 0
    ? []
    : [`idle agent: ${(median(idle) / 2 ** 20).toFixed(0)} MiB resident`];
}

/** `load` is the number of processes that wanted a processor during the minute before. */
function busyNote(load: number): string[] {
  if (load < BUSY_LOAD) return [];
  return [`this machine was busy before (load ${load.toFixed(1)}): do not trust these numbers`];
}
