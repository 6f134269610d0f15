import { type Manifest, sizesOf } from "@penstock/common";
import { z } from "zod";

/** What the last backups of a plan came to. Times are ISO 8601 in UTC. */
export interface PlanOutcome {
  readonly cluster: string;
  readonly plan: string;
  /** The last one that was committed. */
  readonly success?: CommittedSet;
  /** When the last one that failed did so. */
  readonly failedAt?: string;
}

/** What is told of a committed set. */
export interface CommittedSet {
  readonly set: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly bytesRaw: number;
  readonly bytesStored: number;
}

/** Checks what an earlier run has noted. */
export const planOutcomeSchema: z.ZodType<PlanOutcome> = z.object({
  cluster: z.string(),
  plan: z.string(),
  success: z
    .object({
      set: z.string(),
      startedAt: z.iso.datetime(),
      endedAt: z.iso.datetime(),
      bytesRaw: z.number(),
      bytesStored: z.number(),
    })
    .exactOptional(),
  failedAt: z.iso.datetime().exactOptional(),
});

/** The outcome that a committed set is. */
export function toOutcome({
  cluster,
  plan,
  set,
  startedAt,
  endedAt,
  streams,
}: Manifest): PlanOutcome {
  return { cluster, plan, success: { set, startedAt, endedAt, ...sizesOf(streams) } };
}

/** One outcome for each plan: of its successes the newest, and of its failures. */
export function mergeOutcomes(outcomes: readonly PlanOutcome[]): PlanOutcome[] {
  const merged = new Map<string, PlanOutcome>();
  for (const outcome of outcomes) {
    const key = JSON.stringify([outcome.cluster, outcome.plan]);
    const known = merged.get(key);
    merged.set(key, known === undefined ? outcome : mergeTwo(known, outcome));
  }
  return [...merged.values()];
}

function mergeTwo(a: PlanOutcome, b: PlanOutcome): PlanOutcome {
  const { cluster, plan } = a;
  const success = newest(a.success, b.success, ({ endedAt }) => endedAt);
  const failedAt = newest(a.failedAt, b.failedAt, (at) => at);
  return {
    ...{ cluster, plan },
    ...(success === undefined ? {} : { success }),
    ...(failedAt === undefined ? {} : { failedAt }),
  };
}

function newest<T>(a: T | undefined, b: T | undefined, at: (value: T) => string): T | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Date.parse(at(a)) > Date.parse(at(b)) ? a : b;
}
