import { type ByteStream, PenstockError, raceAbort, type Stage } from "@penstock/common";

/** Passes the first `bytes` bytes on and then fails, as a source does whose tool has died. */
export function failingAt(bytes: number): Stage {
  return async function* (source) {
    yield* endingAt(bytes)(source);
    throw new PenstockError("failed", `the source broke after ${bytes} bytes`);
  };
}

/** Passes the first `bytes` bytes on, tells so, and then waits until the signal aborts. */
export function stallingAt(bytes: number, onStall: () => void): Stage {
  return async function* (source, signal) {
    yield* endingAt(bytes)(source);
    onStall();
    await raceAbort(new Promise(() => {}), signal);
  };
}

/** Passes the first `bytes` bytes on and then ends, as if that were all. */
export function endingAt(bytes: number): (source: ByteStream) => ByteStream {
  return async function* (source) {
    let left = bytes;
    for await (const chunk of source) {
      yield chunk.subarray(0, left);
      left -= chunk.length;
      if (left <= 0) return;
    }
  };
}
