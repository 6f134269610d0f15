import {
  createDigest,
  decompress,
  flow,
  hashing,
  PenstockError,
  type Receipt,
  type StoredObject,
} from "@penstock/common";
import type { Target } from "../targets/target.ts";
import type { JobEvents, VerifyJob } from "./jobs.ts";
import { named } from "./named.ts";
import { startProgress } from "./progress.ts";
import { damaged, objectBytes } from "./stored-bytes.ts";

/** Reads one stored stream back and checks everything about it. See Mover.verify. */
export async function verify(
  { receipt }: VerifyJob,
  target: Target,
  events: JobEvents,
  signal: AbortSignal,
): Promise<void> {
  const stored = createDigest();
  const raw = createDigest();
  using _progress = startProgress(() => stored.bytes, events.onProgress);
  const objects = checkedObjects(target, receipt, signal);
  const bytes = flow(signal, objects, hashing(stored), ...decompress(receipt.codec), hashing(raw));
  await named({ host: receipt.host, stream: receipt.name }, drain(bytes));
  for (const [what, digest, size, sha256] of [
    ["stored", stored, receipt.bytesStored, receipt.sha256Stored],
    ["raw", raw, receipt.bytesRaw, receipt.sha256Raw],
  ] as const) {
    if (digest.bytes === size && digest.sha256().toString("hex") === sha256) continue;
    throw new PenstockError(
      "damaged",
      `stream ${receipt.name} of ${receipt.host}: its ${digest.bytes} ${what} bytes are not the ${size} of the manifest`,
    );
  }
}

/** All objects in order; each must have its SHA-256. */
async function* checkedObjects(
  target: Target,
  receipt: Receipt,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const object of receipt.objects) yield* checkedObject(target, object, signal);
}

async function* checkedObject(
  target: Target,
  object: StoredObject,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const digest = createDigest();
  yield* flow(signal, objectBytes(target, object, signal), hashing(digest));
  if (digest.sha256().toString("hex") === object.sha256) return;
  throw damaged(object, 0, object.bytes, "SHA-256");
}

async function drain(bytes: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of bytes);
}
