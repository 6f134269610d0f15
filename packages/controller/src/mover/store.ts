import {
  PenstockError,
  Receiver,
  receiveBackup,
  type TlsMaterial,
  toError,
} from "@penstock/common";
import type { Target } from "../targets/target.ts";
import { createAgentLink } from "./agent-link.ts";
import type { JobEvents, StoredStream, StoreJob, StoreTask } from "./jobs.ts";
import { named } from "./named.ts";
import { startProgress } from "./progress.ts";
import { StreamWriter } from "./stream-writer.ts";

/** Begins to move one stream from an agent to `targets`. See StoreTask. */
export function startStore(
  job: StoreJob,
  targets: Promise<readonly Target[]>,
  tls: TlsMaterial,
  events: JobEvents,
  signal: AbortSignal,
): StoreTask {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const link = createAgentLink(job.from, tls, events);
  const receiver = new Receiver(link.source);
  const writer = new StreamWriter(job.place, (offset) => receiver.acknowledge(offset, either));
  const received = named(job.from, receive(receiver, writer, targets, events, either));
  received.catch(() => {}); // whoever asked for it is told, now or later
  const closed = received.then(
    () => receiver.finish(either),
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

async function receive(
  receiver: Receiver,
  writer: StreamWriter,
  targets: Promise<readonly Target[]>,
  events: JobEvents,
  signal: AbortSignal,
): Promise<StoredStream> {
  await writer.open(await targets, signal);
  const attached = await receiver.attach(signal);
  using _progress = startProgress(() => receiver.receivedBytes, events.onProgress);
  const tally = await receiveBackup(receiver, attached, writer, signal);
  await writer.finish();
  return {
    bytesRaw: Number(tally.rawBytes),
    bytesStored: Number(tally.storedBytes),
    sha256Raw: Buffer.from(tally.rawSha256).toString("hex"),
    sha256Stored: Buffer.from(tally.storedSha256).toString("hex"),
  };
}
