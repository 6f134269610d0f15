import {
  type Clock,
  type Connected,
  PenstockError,
  Receiver,
  receiveBackup,
  toError,
} from "@penstock/common";
import type { Target } from "../targets/target.ts";
import type { AgentLink } from "./agent-link.ts";
import type { JobEvents, StoredStream, StoreJob, StoreTask, WaitingFor } from "./jobs.ts";
import { named } from "./named.ts";
import { startProgress, startReports } from "./progress.ts";
import { StreamWriter } from "./stream-writer.ts";
import { waitingFor } from "./waiting-for.ts";

/** Begins to move one stream from an agent to `targets`, and ends the link with it. See StoreTask. */
export function startStore(
  job: StoreJob,
  targets: Promise<readonly Target[]>,
  link: AgentLink,
  events: JobEvents,
  signal: AbortSignal,
): StoreTask {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const { clock } = link.source;
  const receiver = new Receiver(link.source);
  const onDurable = (offset: number): void => receiver.acknowledge(offset, either);
  const onFailed = (error: Error): void => stop.abort(error);
  const writer = new StreamWriter(job.place, { onDurable, onFailed }, clock);
  const { takesOver } = job;
  const reception = { receiver, writer, targets, takesOver, events, clock };
  const received = named(job.from, receive(reception, either));
  received.catch(() => {}); // whoever asked for it is told, now or later
  const closed = received.then(
    () => receiver.finishUntilHeard(either).then(() => link.leave()),
    (error: unknown) => receiver.abandon(toError(error)),
  );
  closed.catch(() => {}); // the bytes are safe: that the sender did not hear it is its affair
  return {
    received,
    publish: () =>
      named(
        job.from,
        received.then(() => writer.publish(either)),
      ),
    async discard() {
      stop.abort(new PenstockError("failed", "discarded"));
      await closed.catch(() => {});
      await writer[Symbol.asyncDispose]();
      link[Symbol.dispose]();
    },
  };
}

/** What a stream is received with. */
interface Reception {
  readonly receiver: Receiver;
  readonly writer: StreamWriter;
  readonly targets: Promise<readonly Target[]>;
  readonly takesOver: boolean;
  readonly events: JobEvents;
  readonly clock: Clock;
}

async function receive(reception: Reception, signal: AbortSignal): Promise<StoredStream> {
  const { receiver, writer, takesOver, events, clock } = reception;
  const attached = takesOver ? await takeOver(reception, signal) : await begin(reception, signal);
  using _progress = startProgress(() => receiver.receivedBytes, events.onProgress, clock);
  using _waiting = startReports<WaitingFor>(
    "nobody",
    () => waitingFor(writer.isWaiting, receiver.senderWaitsForTool),
    events.onWaiting,
    clock,
  );
  const tally = await receiveBackup(receiver, attached, writer, signal);
  await writer.finish();
  return {
    bytesRaw: Number(tally.rawBytes),
    bytesStored: Number(tally.storedBytes),
    sha256Raw: Buffer.from(tally.rawSha256).toString("hex"),
    sha256Stored: Buffer.from(tally.storedSha256).toString("hex"),
  };
}

/** The target first: one that cannot be written to is to be found before any byte has left its tool. */
async function begin(
  { receiver, writer, targets }: Reception,
  signal: AbortSignal,
): Promise<Connected> {
  await writer.open(await targets, signal);
  return await receiver.attach(signal);
}

/** The agent first: it knows what the dead mover had acknowledged. */
async function takeOver(
  { receiver, writer, targets }: Reception,
  signal: AbortSignal,
): Promise<Connected> {
  const attached = await receiver.adopt(signal);
  receiver.skipTo(await writer.resume(await targets, attached.offset, signal));
  return attached;
}
