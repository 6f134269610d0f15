import type { Tally } from "@penstock/proto";
import { PenstockError } from "./errors.ts";
import type { Digest } from "./stages/digest.ts";

/** Sizes and digests of a whole stream, from the two digests that it passed. */
export function toTally(raw: Digest, stored: Digest): Tally {
  return {
    rawBytes: BigInt(raw.bytes),
    rawSha256: raw.sha256(),
    storedBytes: BigInt(stored.bytes),
    storedSha256: stored.sha256(),
  };
}

/** Throws `damaged` unless what was counted and hashed here is what the other side says. */
export function assertStored(digest: Digest, theirs: Tally): void {
  assertSame("stored", digest, Number(theirs.storedBytes), theirs.storedSha256);
}

/** The same for the raw bytes. */
export function assertRaw(digest: Digest, theirs: Tally): void {
  assertSame("raw", digest, Number(theirs.rawBytes), theirs.rawSha256);
}

function assertSame(what: string, digest: Digest, bytes: number, sha256: Uint8Array): void {
  if (digest.bytes !== bytes) {
    throw new PenstockError("damaged", `${digest.bytes} ${what} bytes arrived, ${bytes} were sent`);
  }
  if (!digest.sha256().equals(sha256)) {
    throw new PenstockError("damaged", `the digest of the ${bytes} ${what} bytes is wrong`);
  }
}
