import { type Receipt, Sender, sendRestore, type TlsMaterial, toError } from "@penstock/common";
import type { Target } from "../targets/target.ts";
import { createAgentLink } from "./agent-link.ts";
import type { DeliverJob, JobEvents } from "./jobs.ts";
import { named } from "./named.ts";
import { startProgress } from "./progress.ts";
import { storedBytes } from "./stored-bytes.ts";

/** What a mover keeps of a restored stream until the agent has taken it. */
const REPLAY_BYTES = 16 * 1024 * 1024;

/** Moves one stored stream to an agent. See Mover.deliver. */
export async function deliver(
  job: DeliverJob,
  target: Target,
  tls: TlsMaterial,
  events: JobEvents,
  signal: AbortSignal,
): Promise<void> {
  using link = createAgentLink(job.to, tls, events);
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const sender = new Sender(() => REPLAY_BYTES);
  using _progress = startProgress(() => sender.ackedBytes, events.onProgress);
  const filled = fill(sender, target, job.receipt, either);
  try {
    await named(job.to, sender.run(link.source, either));
  } finally {
    stop.abort();
    await filled;
  }
}

/** Never throws: what goes wrong is told through the sender. */
async function fill(
  sender: Sender,
  target: Target,
  receipt: Receipt,
  signal: AbortSignal,
): Promise<void> {
  try {
    await sendRestore(storedBytes(target, receipt, signal), sender, signal);
    sender.end({ tally: promised(receipt) });
  } catch (error) {
    sender.fail(toError(error));
  }
}

function promised(receipt: Receipt): Parameters<Sender["end"]>[0]["tally"] {
  return {
    rawBytes: BigInt(receipt.bytesRaw),
    rawSha256: Buffer.from(receipt.sha256Raw, "hex"),
    storedBytes: BigInt(receipt.bytesStored),
    storedSha256: Buffer.from(receipt.sha256Stored, "hex"),
  };
}
