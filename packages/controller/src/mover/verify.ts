import {
  type ByteStream,
  createDigest,
  type Digest,
  decompress,
  flow,
  giveBack,
  hashing,
  PenstockError,
  type Receipt,
} from "@penstock/common";
import type { Target } from "../targets/target.ts";
import type { JobEvents, VerifyJob } from "./jobs.ts";
import { named } from "./named.ts";
import { startProgress } from "./progress.ts";
import { damaged, objectBytes } from "./stored-bytes.ts";

/**
 * Reads one stored stream back and checks everything about it: each part, each object, the whole,
 * and what comes out of the codec. See Mover.verify.
 */
export async function verify(
  { receipt }: VerifyJob,
  target: Target,
  events: JobEvents,
  signal: AbortSignal,
): Promise<void> {
  const stored = createDigest();
  using _progress = startProgress(() => stored.bytes, events.onProgress);
  const checked = check(target, receipt, stored, signal);
  await named({ host: receipt.host, stream: receipt.name }, checked);
}

async function check(
  target: Target,
  receipt: Receipt,
  stored: Digest,
  signal: AbortSignal,
): Promise<void> {
  // Without a codec the raw bytes are the stored ones: one digest tells about both.
  const stages = decompress(receipt.codec);
  const raw = stages.length === 0 ? stored : createDigest();
  const unpacked = stages.length === 0 ? [] : [...stages, hashing(raw)];
  const objects = checkedObjects(target, receipt, stored, signal);
  for await (const chunk of flow(signal, objects, hashing(stored), ...unpacked)) giveBack(chunk);
  assertSame("stored", stored, receipt.bytesStored, receipt.sha256Stored);
  assertSame("raw", raw, receipt.bytesRaw, receipt.sha256Raw);
}

/** All objects in order. The only one of a stream has the stream's own digest, checked above. */
async function* checkedObjects(
  target: Target,
  { objects }: Receipt,
  stored: Digest,
  signal: AbortSignal,
): ByteStream {
  for (const object of objects) {
    const digest = objects.length === 1 ? stored : createDigest();
    const bytes = objectBytes(target, object, signal);
    yield* digest === stored ? bytes : flow(signal, bytes, hashing(digest));
    if (digest.sha256().toString("hex") === object.sha256) continue;
    throw damaged(object, 0, object.bytes, "SHA-256");
  }
}

function assertSame(what: string, digest: Digest, bytes: number, sha256: string): void {
  if (digest.bytes === bytes && digest.sha256().toString("hex") === sha256) return;
  const message = `its ${digest.bytes} ${what} bytes are not the ${bytes} of the manifest`;
  throw new PenstockError("damaged", message);
}
