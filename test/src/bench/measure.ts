import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import type { Contender, Job, Sample } from "./contender.ts";
import { syncFiles } from "./job-files.ts";
import type { BenchOptions } from "./options.ts";
import type { Seed } from "./seed.ts";

/** No run takes longer; what hangs is a fault. */
const RUN_TIMEOUT_MS = 300_000;

/** One run of one contender. */
export interface Measurement extends Sample {
  readonly contender: string;
  readonly streams: number;
  /** `seconds`, and forcing the files to the disk where the contender has not done so. */
  readonly syncedSeconds: number;
}

/**
 * Runs every contender with every number of streams, `repeats` times in turn, so that a machine
 * that gets slower or faster meanwhile does so for all. The first failure ends it.
 */
export async function measureAll(
  contenders: readonly Contender[],
  options: BenchOptions,
  seed: Seed,
  onDone: (measurement: Measurement) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let repeat = 0; repeat < options.repeats; repeat++) {
    for (const streams of options.streamCounts) {
      for (const contender of contenders) {
        onDone(await measure(contender, streams, options, seed, signal));
      }
    }
  }
}

async function measure(
  contender: Contender,
  streams: number,
  options: BenchOptions,
  seed: Seed,
  signal: AbortSignal,
): Promise<Measurement> {
  const directory = await mkdtemp(join(options.directory, "penstock-bench-"));
  await using cleanUp = new AsyncDisposableStack();
  cleanUp.defer(() => rm(directory, { recursive: true, force: true }));
  const job = jobOf(options, streams, seed, directory);
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(RUN_TIMEOUT_MS)]);
  const sample = await contender.run(job, deadline);
  const start = performance.now();
  await syncFiles(directory);
  const syncSeconds = (performance.now() - start) / 1000;
  const syncedSeconds = sample.seconds + syncSeconds;
  return { contender: contender.name, streams, ...sample, syncedSeconds };
}

/** The streams carry whole seeds, as many as come nearest to the size wanted. */
function jobOf(options: BenchOptions, streams: number, seed: Seed, directory: string): Job {
  const copies = Math.max(1, Math.round(options.sizeBytes / streams / seed.bytes));
  return { streams, copies, bytesPerStream: copies * seed.bytes, seed: seed.path, directory };
}
