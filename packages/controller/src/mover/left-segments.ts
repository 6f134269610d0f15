import { type ByteStream, PenstockError } from "@penstock/common";
import type { LeftObject, ObjectWriter, Target } from "../targets/target.ts";
import { type StreamPlace, segmentKey } from "./stream-place.ts";

/** One object of a stream that a dead mover has begun, on all targets; it takes no more bytes. */
export interface LeftSegment {
  readonly writers: readonly ObjectWriter[];
  /** Its bytes, from the first target. */
  read(signal: AbortSignal): ByteStream;
}

/**
 * Takes over the objects that hold a stream's first `offset` bytes, those that the dead mover had
 * acknowledged, in order, each when it is asked for. What was written beyond is cut off: it may not have reached the disk. Only
 * if a target shows an object already the whole stream was durable, and all of it is kept.
 *
 * Throws `failed` if a target has less than that, or cannot hand over anything.
 */
export async function* takeOverSegments(
  place: StreamPlace,
  targets: readonly Target[],
  offset: number,
  signal: AbortSignal,
): AsyncGenerator<LeftSegment, void, undefined> {
  const left = await Promise.all(targets.map((target) => leftOn(target, place, signal)));
  const wasComplete = left.flat().some(({ isVisible }) => isVisible);
  const sizes = cut(left[0] ?? [], wasComplete ? Number.POSITIVE_INFINITY : offset);
  if (sum(sizes) < offset) throw tooShort(targets[0], sum(sizes), offset);
  for (const objects of left) {
    for (const object of objects.slice(sizes.length)) await object.remove(signal);
  }
  for (const [index, bytes] of sizes.entries()) {
    const objects = left.map((ofTarget, t) => longEnough(ofTarget[index], bytes, targets[t]));
    const writers = await sealAll(objects, bytes, signal);
    const [first] = objects;
    if (first !== undefined) yield { writers, read: (until) => first.read(until) };
  }
}

/** On all targets or, if one fails, with nothing left open. */
async function sealAll(
  objects: readonly LeftObject[],
  bytes: number,
  signal: AbortSignal,
): Promise<ObjectWriter[]> {
  const writers: ObjectWriter[] = [];
  try {
    for (const object of objects) writers.push(await object.seal(bytes, signal));
    return writers;
  } catch (error) {
    await Promise.allSettled(writers.map((writer) => writer.abort()));
    throw error;
  }
}

async function leftOn(
  target: Target,
  place: StreamPlace,
  signal: AbortSignal,
): Promise<LeftObject[]> {
  const takeOver = target.takeOver?.bind(target);
  if (takeOver === undefined) {
    const what = `target ${target.url} cannot go on with what another process has begun`;
    throw new PenstockError("failed", what);
  }
  const only = await takeOver(place.key, place.scope, signal);
  if (only !== undefined) return [only];
  const found: LeftObject[] = [];
  for (;;) {
    const next = await takeOver(segmentKey(place, found.length), place.scope, signal);
    if (next === undefined) return found;
    found.push(next);
  }
}

/** How many bytes of each object lie below `end`; objects with none are not in the list. */
function cut(objects: readonly LeftObject[], end: number): number[] {
  const sizes: number[] = [];
  let rest = end;
  for (const { bytes } of objects) {
    const kept = Math.min(bytes, rest);
    if (kept === 0) break;
    sizes.push(kept);
    rest -= kept;
  }
  return sizes;
}

function longEnough(
  object: LeftObject | undefined,
  bytes: number,
  target: Target | undefined,
): LeftObject {
  if (object !== undefined && object.bytes >= bytes) return object;
  throw tooShort(target, object?.bytes ?? 0, bytes);
}

function tooShort(target: Target | undefined, bytes: number, wanted: number): PenstockError {
  const what = `target ${target?.url} has only ${bytes} of ${wanted} bytes that were acknowledged`;
  return new PenstockError("failed", what);
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0);
}
