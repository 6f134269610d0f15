import {
  type ByteStream,
  createDigest,
  type Digest,
  flow,
  hashing,
  type Pace,
  type Receipt,
  raceAbort,
  Sender,
  type SendingEnd,
  sendRestore,
  toError,
} from "@penstock/common";
import type { Target } from "../targets/target.ts";
import type { AgentLink } from "./agent-link.ts";
import type { DeliverJob, JobEvents, WaitingFor } from "./jobs.ts";
import { named } from "./named.ts";
import { startProgress, startReports } from "./progress.ts";
import { rangedBytes } from "./ranged-bytes.ts";
import { storedBytes } from "./stored-bytes.ts";
import { waitingFor } from "./waiting-for.ts";

const REPLAY_BYTES = 16 * 1024 * 1024;

/** What a stream is delivered with. */
export interface DeliveringEnds {
  readonly link: AgentLink;
  readonly pace: Pace;
  /** What is kept of the stream until the agent has taken it; 16 MiB if not given. */
  readonly limitBytes?: () => number;
  /** Nothing is read before this resolves; at once if it is not given. */
  readonly begin?: Promise<void>;
}

/** Moves one stored stream to an agent, and ends the link with it. See Mover.deliver. */
export async function deliver(
  job: DeliverJob,
  target: Promise<Target>,
  { link, pace, limitBytes = () => REPLAY_BYTES, begin = Promise.resolve() }: DeliveringEnds,
  events: JobEvents,
  signal: AbortSignal,
): Promise<void> {
  using _link = link;
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const sender = new Sender(limitBytes);
  using _progress = startProgress(() => sender.ackedBytes, events.onProgress, link.source.clock);
  const reading = { isWaiting: false };
  using _waiting = startReports<WaitingFor>(
    "nobody",
    () => waitingFor(reading.isWaiting, sender.receiverWaitsForTool),
    events.onWaiting,
    link.source.clock,
  );
  const content = toContent(job, await target, either);
  const stored = noting(reading, content.bytes);
  const filled = fill({ pace, sender, begin }, stored, content.tally, either);
  try {
    await named(job.to, sender.run(link.source, either));
    link.leave();
  } finally {
    stop.abort();
    await filled;
  }
}

/** Never throws: what goes wrong is told through the sender. */
async function fill(
  { begin, ...end }: SendingEnd & { readonly begin: Promise<void> },
  stored: ByteStream,
  tally: () => Promised,
  signal: AbortSignal,
): Promise<void> {
  try {
    await raceAbort(begin, signal);
    await sendRestore(stored, end, signal);
    end.sender.end({ tally: tally() });
  } catch (error) {
    end.sender.fail(toError(error));
  }
}

/** The same bytes; notes while the target is asked for more. */
async function* noting(reading: { isWaiting: boolean }, stored: ByteStream): ByteStream {
  reading.isWaiting = true;
  for await (const chunk of stored) {
    reading.isWaiting = false;
    yield chunk;
    reading.isWaiting = true;
  }
  reading.isWaiting = false;
}

/** What is sent, and what is promised of it once it was. */
interface Content {
  readonly bytes: ByteStream;
  readonly tally: () => Promised;
}

type Promised = Parameters<Sender["end"]>[0]["tally"];

function toContent(
  { receipt, ranges = [] }: DeliverJob,
  target: Target,
  signal: AbortSignal,
): Content {
  if (ranges.length === 0) {
    return { bytes: storedBytes(target, receipt, signal), tally: () => promised(receipt) };
  }
  const raw = createDigest();
  const bytes = flow(signal, rangedBytes(target, receipt, ranges, signal), hashing(raw));
  return { bytes, tally: () => promisedRaw(raw) };
}

/** Of bytes without a codec, which were checked part by part. */
function promisedRaw(raw: Digest): Promised {
  const sha256 = raw.sha256();
  const bytes = BigInt(raw.bytes);
  return { rawBytes: bytes, rawSha256: sha256, storedBytes: bytes, storedSha256: sha256 };
}

function promised(receipt: Receipt): Promised {
  return {
    rawBytes: BigInt(receipt.bytesRaw),
    rawSha256: Buffer.from(receipt.sha256Raw, "hex"),
    storedBytes: BigInt(receipt.bytesStored),
    storedSha256: Buffer.from(receipt.sha256Stored, "hex"),
  };
}
