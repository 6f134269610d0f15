import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import {
  type ByteStream,
  collect,
  decompress,
  flow,
  hasCode,
  type PartsList,
  PenstockError,
  partsSchema,
  type Receipt,
  type StoredObject,
} from "@penstock/common";
import type { ByteRange, Target } from "../targets/target.ts";
import { named } from "./named.ts";

const PARTS_LIST_LIMIT_BYTES = 16 * 1024 * 1024;

/**
 * The stored bytes of a stream, from all its objects in order, each part checked before its first
 * byte is handed on. Throws `damaged`, with the object and the range, as soon as something is
 * missing or other than what was stored. Memory: one part.
 */
export async function* storedBytes(
  target: Target,
  receipt: Receipt,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const object of receipt.objects) yield* objectBytes(target, object, signal);
}

/** The same as its tool wrote it. The whole is not compared with the receipt. Throws as `storedBytes`. */
export function rawBytes(target: Target, receipt: Receipt, signal: AbortSignal): ByteStream {
  return flow(signal, storedBytes(target, receipt, signal), ...decompress(receipt.codec));
}

/**
 * Throws `damaged`, naming stream and host, unless every object of the stream is there with its size
 * and its list of parts: all that can be seen without reading the bytes.
 */
export async function assertComplete(
  target: Target,
  receipt: Receipt,
  signal: AbortSignal,
): Promise<void> {
  const { host, name: stream, objects } = receipt;
  for (const object of objects) {
    await named({ host, stream }, assertObjectComplete(target, object, signal));
  }
}

async function assertObjectComplete(
  target: Target,
  object: StoredObject,
  signal: AbortSignal,
): Promise<void> {
  const { key, bytes } = object;
  const size = await target.stat(key, signal);
  if (size !== bytes) {
    const found = size === undefined ? "is not there" : `has ${size} bytes`;
    const message = `object ${key} on ${target.url} ${found}, ${bytes} were stored`;
    throw new PenstockError("damaged", message);
  }
  await readPartsList(target, object, signal);
}

/** The bytes of one object; see `storedBytes`. */
export async function* objectBytes(
  target: Target,
  object: StoredObject,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const list = await readPartsList(target, object, signal);
  yield* partsFrom({ target, object, list }, undefined, signal);
}

/**
 * Bytes `[start, end)` of one object, of which no other parts are read than those that they lie in;
 * see `storedBytes`.
 */
export async function* objectRange(
  target: Target,
  object: StoredObject,
  { start, end }: { readonly start: number; readonly end: number },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const list = await readPartsList(target, object, signal);
  const begin = start - (start % list.partBytes);
  const length = Math.min(list.bytes, Math.ceil(end / list.partBytes) * list.partBytes) - begin;
  let offset = begin;
  for await (const chunk of partsFrom({ target, object, list }, { offset, length }, signal)) {
    const from = Math.max(0, start - offset);
    const to = Math.min(chunk.length, end - offset);
    offset += chunk.length;
    if (from < to) yield chunk.subarray(from, to);
  }
}

/** An object and what it is made of. */
interface ListedObject {
  readonly target: Target;
  readonly object: StoredObject;
  readonly list: PartsList;
}

/** The parts that make up a range, each checked before its first byte; without a range all. */
async function* partsFrom(
  { target, object, list }: ListedObject,
  range: ByteRange | undefined,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  let offset = range?.offset ?? 0;
  const end = range === undefined ? object.bytes : range.offset + range.length;
  let part = openPart(list, offset);
  for await (const chunk of orDamaged(target.read(object.key, range, signal), object)) {
    for (let rest = chunk; rest.length > 0; ) {
      const piece = beginningOf(rest, part.bytes - part.taken);
      if (piece.length === 0) throw damaged(object, offset, object.bytes, "it is too long");
      part.take(piece);
      rest = rest.subarray(piece.length);
      if (part.taken < part.bytes) continue;
      if (part.crc !== part.expected) throw damaged(object, offset, offset + part.bytes);
      yield* part.chunks;
      offset += part.bytes;
      part = openPart(list, offset);
    }
  }
  if (offset !== end) throw damaged(object, offset, object.bytes, "it is cut short");
}

/** At most so many bytes: the chunk itself if it has no more, so that its memory can be given back. */
function beginningOf(chunk: Uint8Array, bytes: number): Uint8Array {
  return chunk.length <= bytes ? chunk : chunk.subarray(0, bytes);
}

/** A part being collected. */
interface Part {
  readonly bytes: number;
  readonly expected: number;
  readonly chunks: Uint8Array[];
  taken: number;
  crc: number;
  take(piece: Uint8Array): void;
}

function openPart(list: PartsList, offset: number): Part {
  const index = offset / list.partBytes;
  return {
    bytes: Math.min(list.partBytes, list.bytes - offset),
    expected: Number.parseInt(list.crc32[index] ?? "", 16),
    chunks: [],
    taken: 0,
    crc: 0,
    take(piece) {
      this.chunks.push(piece);
      this.taken += piece.length;
      this.crc = crc32(piece, this.crc);
    },
  };
}

/** The list of parts, checked against the manifest and itself. */
async function readPartsList(
  target: Target,
  object: StoredObject,
  signal: AbortSignal,
): Promise<PartsList> {
  const { key, sha256 } = object.parts;
  const range = { offset: 0, length: PARTS_LIST_LIMIT_BYTES };
  const bytes = orDamaged(target.read(key, range, signal), object, key);
  const body = await collect(bytes, PARTS_LIST_LIMIT_BYTES);
  const isRight = createHash("sha256").update(body).digest("hex") === sha256;
  const list = isRight ? partsSchema.safeParse(JSON.parse(body.toString("utf8"))) : undefined;
  if (list?.success !== true || !fits(list.data, object)) {
    throw new PenstockError("damaged", `object ${key}: the list of parts is not what was stored`);
  }
  return list.data;
}

function fits(list: PartsList, object: StoredObject): boolean {
  const parts = Math.ceil(list.bytes / list.partBytes);
  return list.object === object.key && list.bytes === object.bytes && list.crc32.length === parts;
}

/** An object that is gone is damage of its set. */
async function* orDamaged(
  bytes: ByteStream,
  object: StoredObject,
  key: string = object.key,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* bytes;
  } catch (error) {
    throw hasCode(error, "not_found") ? gone(key, error) : error;
  }
}

function gone(key: string, cause: Error): PenstockError {
  return new PenstockError("damaged", `object ${key} is not there`, { cause });
}

/** The error for a range of an object. */
export function damaged(
  object: StoredObject,
  begin: number,
  end: number,
  why = "CRC-32",
): PenstockError {
  return new PenstockError(
    "damaged",
    `object ${object.key}: bytes ${begin} to ${end} are not what was stored (${why})`,
  );
}
