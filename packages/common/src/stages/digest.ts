import { createHash } from "node:crypto";
import type { Stage } from "../byte-stream.ts";

/** Counts and hashes bytes that pass: SHA-256. */
export interface Digest {
  update(chunk: Uint8Array): void;
  /** Bytes so far. */
  readonly bytes: number;
  /** SHA-256 of the bytes so far, 32 raw bytes. May be asked for at any time. */
  sha256(): Buffer;
}

/** A digest of no bytes yet. */
export function createDigest(): Digest {
  const hash = createHash("sha256");
  let bytes = 0;
  return {
    update(chunk) {
      hash.update(chunk);
      bytes += chunk.length;
    },
    get bytes() {
      return bytes;
    },
    sha256: () => hash.copy().digest(),
  };
}

/** Observes: counts and hashes what passes into `digest`. */
export function hashing(digest: Digest): Stage {
  return async function* hash(source) {
    for await (const chunk of source) {
      digest.update(chunk);
      yield chunk;
    }
  };
}
