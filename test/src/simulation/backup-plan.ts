import type { DumpPlan } from "./dump.ts";
import { drawFaults, type Faults } from "./faults.ts";
import type { Random } from "./random.ts";

/** The most that a tool writes at once. */
export const MOST_CHUNK_BYTES = 3_000;

/** What is drawn for a backup beside its faults. */
export interface BackupPlan extends Faults {
  readonly dump: DumpPlan;
  readonly replayBytes: number;
  readonly segmentBytes: number;
  readonly targets: number;
}

/** A short stream, mostly with faults; small limits, so that it meets them all. */
export function drawBackupPlan(random: Random): BackupPlan {
  const faults = drawFaults(random);
  const end = random.chance(0.9) ? "well" : random.pick(["killed", "broken"] as const);
  return {
    ...faults,
    isHarmless: faults.isHarmless && end === "well",
    dump: { chunks: drawChunks(random), end },
    replayBytes: random.magnitude(2_000, 60_000),
    segmentBytes: random.chance(0.5) ? random.magnitude(1_000, 40_000) : 8 * 1024 ** 3,
    targets: random.chance(0.2) ? 2 : 1,
  };
}

function drawChunks(random: Random): DumpPlan["chunks"] {
  const mostBytes = random.magnitude(1, MOST_CHUNK_BYTES);
  const isIdle = random.chance(0.2);
  const count = random.chance(0.05) ? 0 : random.magnitude(1, 80);
  return Array.from({ length: count }, () => ({
    bytes: random.between(1, mostBytes),
    pauseMs:
      isIdle && random.chance(0.1) ? random.between(1_000, 40_000) : random.magnitude(1, 500),
  }));
}
