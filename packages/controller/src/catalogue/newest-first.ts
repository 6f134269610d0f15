import { hasCode } from "@penstock/common";
import { inBatches } from "../in-batches.ts";
import type { Target } from "../targets/target.ts";
import { readStartedAt } from "./documents.ts";
import { setKeys, setTimeMs } from "./keys.ts";
import { setNames } from "./set-names.ts";

/** A set, and when it has begun: its name need not say that. */
interface Begun<T> {
  readonly set: string;
  readonly target: T;
  readonly beganMs: number;
}

/**
 * All sets of a cluster on these targets, committed or not: the one that has begun last comes first.
 * Costs a small request each, since a set that was made by somebody's lists is named by their key. One
 * whose beginning cannot be read counts as of its name.
 */
export async function newestFirst<T extends { readonly target: Target }>(
  targets: readonly T[],
  cluster: string,
  signal: AbortSignal,
): Promise<readonly Begun<T>[]> {
  const lists = targets.map(async (target) => {
    const names = await setNames(target.target, cluster, signal);
    const begun = async (set: string): Promise<Begun<T>> => {
      const beganMs = await readBegin(target.target, cluster, set, signal);
      return { set, target, beganMs };
    };
    return await inBatches(names, (batch) => Promise.all(batch.map(begun)));
  });
  return (await Promise.all(lists)).flat().sort(byNewest);
}

function byNewest<T>(a: Begun<T>, b: Begun<T>): number {
  return b.beganMs - a.beganMs || b.set.localeCompare(a.set);
}

async function readBegin(
  target: Target,
  cluster: string,
  set: string,
  signal: AbortSignal,
): Promise<number> {
  try {
    const started = await readStartedAt(target, setKeys(cluster, set).started, signal);
    if (started !== undefined) return Date.parse(started.startedAt);
  } catch (error) {
    if (!hasCode(error, "damaged")) throw error;
  }
  return setTimeMs(set);
}
