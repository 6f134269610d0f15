import { type ByteStream, PenstockError, type Receipt } from "@penstock/common";
import type { Target } from "../targets/target.ts";
import type { RawRange } from "./jobs.ts";
import { objectRange, rawBytes } from "./stored-bytes.ts";

/**
 * These raw bytes of a stream, one range after the other, each part checked before its first byte is
 * handed on. Of a stream without a codec no other parts are read; any other one is read from its
 * beginning to the last byte that is wanted. Throws as `storedBytes` does, and `failed` for a range
 * that the stream does not have.
 */
export function rangedBytes(
  target: Target,
  receipt: Receipt,
  ranges: readonly RawRange[],
  signal: AbortSignal,
): ByteStream {
  assertWithin(receipt, ranges);
  if (receipt.codec === "none") return storedRanges(target, receipt, ranges, signal);
  return rawRanges(target, receipt, ranges, signal);
}

/** Throws `failed` for a range that the stream does not have. */
export function assertWithin({ name, host, bytesRaw }: Receipt, ranges: readonly RawRange[]): void {
  const wrong = ranges.find(({ start, end }) => start > end || end > bytesRaw);
  if (wrong === undefined) return;
  const message = `stream ${name} of ${host} has ${bytesRaw} bytes, and none from ${wrong.start} to ${wrong.end}`;
  throw new PenstockError("failed", message);
}

async function* storedRanges(
  target: Target,
  { objects }: Receipt,
  ranges: readonly RawRange[],
  signal: AbortSignal,
): ByteStream {
  for (const range of ranges) {
    let beginOffset = 0;
    for (const object of objects) {
      const start = Math.max(0, range.start - beginOffset);
      const end = Math.min(object.bytes, range.end - beginOffset);
      if (start < end) yield* objectRange(target, object, { start, end }, signal);
      beginOffset += object.bytes;
    }
  }
}

/** Ranges that ascend are picked from one reading. */
async function* rawRanges(
  target: Target,
  receipt: Receipt,
  ranges: readonly RawRange[],
  signal: AbortSignal,
): ByteStream {
  for (let rest = ranges; rest.length > 0; ) {
    const back = rest.findIndex(({ start }, index) => start < (rest[index - 1]?.end ?? 0));
    const ascending = back === -1 ? rest : rest.slice(0, back);
    yield* pick(rawBytes(target, receipt, signal), ascending);
    rest = rest.slice(ascending.length);
  }
}

async function* pick(raw: ByteStream, ranges: readonly RawRange[]): ByteStream {
  const last = ranges.at(-1)?.end ?? 0;
  let offset = 0;
  for await (const chunk of raw) {
    for (const { start, end } of ranges) {
      const from = Math.max(0, start - offset);
      const to = Math.min(chunk.length, end - offset);
      if (from < to) yield chunk.subarray(from, to);
    }
    offset += chunk.length;
    if (offset >= last) return;
  }
}
