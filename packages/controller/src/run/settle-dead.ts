import { setKeys } from "../catalogue/keys.ts";
import type { JournalState } from "../runs/journal.ts";
import type { RunContext } from "./context.ts";
import { writeFailed } from "./write-failed.ts";

const SWEEP_TIMEOUT_MS = 30_000;

/**
 * Notes the end of a backup whose controller was killed: the streams that were finished can be read
 * then. Returns false if that could not be written everywhere. Never throws.
 */
export async function settleDead(
  { cluster, targets }: Pick<RunContext, "cluster" | "targets">,
  { head, hasBegun, receipts }: JournalState,
  reason: string,
): Promise<boolean> {
  if (!hasBegun) return true; // nothing is there, or something of another run
  const { formatVersion, set, plan, producer, startedAt } = head;
  const about = { formatVersion, set, cluster, plan, producer, startedAt };
  const endedAt = new Date().toISOString();
  const failed = { ...about, status: "failed", endedAt, error: reason, streams: receipts } as const;
  const signal = AbortSignal.timeout(SWEEP_TIMEOUT_MS);
  const { scope } = setKeys(cluster, set);
  await Promise.allSettled(targets.map(({ target }) => target.sweep(scope, signal)));
  return await writeFailed(targets, failed);
}
