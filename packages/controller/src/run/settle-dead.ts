import type { JournalState } from "../runs/journal.ts";
import { finishCommit } from "./commit.ts";
import type { RunContext } from "./context.ts";
import { sweepSet } from "./sweep-set.ts";
import { writeFailed } from "./write-failed.ts";

const SETTLE_TIMEOUT_MS = 30_000;

/**
 * Notes the end of a backup whose controller was killed: its commit if it had begun that, else its
 * failure, so that the streams that were finished can be read. Returns false if that could not be
 * written everywhere. Never throws.
 */
export async function settleDead(
  context: Pick<RunContext, "cluster" | "targets">,
  state: JournalState,
  reason: string,
): Promise<boolean> {
  if (!state.hasBegun) return true; // nothing is there, or something of another run
  try {
    const signal = AbortSignal.timeout(SETTLE_TIMEOUT_MS);
    const committed = await finishCommit(context, state.head.set, signal);
    await sweepSet(context, state.head.set, signal);
    return committed !== undefined || (await noteFailure(context, state, reason));
  } catch {
    return false; // the target does not answer: another time
  }
}

async function noteFailure(
  { cluster, targets }: Pick<RunContext, "cluster" | "targets">,
  { head, receipts }: JournalState,
  reason: string,
): Promise<boolean> {
  const { formatVersion, set, plan, producer, startedAt } = head;
  const about = { formatVersion, set, cluster, plan, producer, startedAt };
  const endedAt = new Date().toISOString();
  const failed = { ...about, status: "failed", endedAt, error: reason, streams: receipts } as const;
  return await writeFailed(targets, failed);
}
