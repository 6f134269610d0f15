import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import {
  type CheckedFrame,
  combineCrc32,
  createDigest,
  type Digest,
  type FrameSink,
  PART_BYTES,
  type PartsList,
  PenstockError,
  partsKey,
  type StoredObject,
} from "@penstock/common";
import type { ObjectWriter, Target } from "../targets/target.ts";

/**
 * How long bytes wait for their part to become full before they are made durable all the same. A
 * sender with little memory can send no more until they are.
 */
const IDLE_FLUSH_MS = 100;

/** Where a stream goes. */
export interface StreamPlace {
  /** Key of the stream's object; a longer stream gets `.000000`, `.000001`, … behind it. */
  readonly key: string;
  /** The run, for sweeping. */
  readonly scope: string;
  /** Largest object in bytes. */
  readonly segmentBytes: number;
}

/** One object in the making, the same on every target. */
interface Segment {
  readonly writers: readonly ObjectWriter[];
  readonly digest: Digest;
  readonly beginOffset: number;
  readonly parts: number[];
  /** Once no more bytes come. */
  sealed?: { readonly bytes: number; readonly sha256: string };
}

/**
 * Writes one stream to all its targets: objects of at most `segmentBytes`, made of equal parts.
 * Nothing is visible before `publish`; disposing without it leaves nothing. `onDurable` is told the
 * offset below which every target would survive a power cut, part by part.
 */
export class StreamWriter implements FrameSink, AsyncDisposable {
  readonly digest: Digest = createDigest();
  #targets: readonly Target[] = [];
  readonly #place: StreamPlace;
  readonly #onDurable: (offset: number) => void;
  readonly #segments: Segment[] = [];
  #partBytes = 0;
  #partCrc = 0;
  #flushing: Promise<void> = Promise.resolve();
  #flushedOffset = 0;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(place: StreamPlace, onDurable: (offset: number) => void) {
    this.#place = place;
    this.#onDurable = onDurable;
  }

  /** Begins the first object, so that a target that cannot be written to is found early. */
  async open(targets: readonly Target[], signal: AbortSignal): Promise<void> {
    this.#targets = targets;
    await this.#beginSegment(signal);
    this.#idleTimer = this.#watchIdle();
  }

  async write(frame: CheckedFrame, signal: AbortSignal): Promise<void> {
    let rest = frame.data;
    while (rest.length > 0) {
      const segment = await this.#segmentWithRoom(signal);
      const room = Math.min(PART_BYTES - this.#partBytes, this.#roomOf(segment));
      const piece = rest.length <= room ? rest : rest.subarray(0, room);
      await this.#writePiece(segment, piece, piece === frame.data ? frame.crc32 : crc32(piece));
      rest = rest.subarray(piece.length);
    }
  }

  /** After the last frame: every byte is durable when it resolves. */
  async finish(): Promise<void> {
    clearInterval(this.#idleTimer);
    if (this.#partBytes > 0) await this.#endPart();
    await this.#flushing;
    this.#seal(this.#last());
  }

  /** After `finish`: makes the objects and their lists of parts visible, and says what they are. */
  async publish(signal: AbortSignal): Promise<StoredObject[]> {
    const objects: StoredObject[] = [];
    for (const [index, segment] of this.#segments.entries()) {
      const key = this.#keyOf(index);
      await Promise.all(segment.writers.map((writer) => writer.commit(key)));
      objects.push(await this.#publishParts(key, segment, signal));
    }
    return objects;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#idleTimer);
    await this.#flushing.catch(() => {}); // whoever was writing has seen it
    const writers = this.#segments.flatMap((segment) => segment.writers);
    await Promise.all(writers.map((writer) => writer.abort()));
  }

  async #writePiece(segment: Segment, piece: Uint8Array, crc: number): Promise<void> {
    this.digest.update(piece);
    // The first object's digest is the stream's own; a later one needs a second hash.
    if (segment.digest !== this.digest) segment.digest.update(piece);
    await Promise.all(segment.writers.map((writer) => writer.write(piece)));
    this.#partCrc = this.#partBytes === 0 ? crc : combineCrc32(this.#partCrc, crc, piece.length);
    this.#partBytes += piece.length;
    if (this.#partBytes === PART_BYTES) await this.#endPart();
  }

  async #endPart(): Promise<void> {
    this.#last().parts.push(this.#partCrc);
    this.#partBytes = 0;
    await this.#flush();
  }

  /** Flushes while more is being written; one flush at a time. */
  async #flush(): Promise<void> {
    await this.#flushing;
    const offset = this.digest.bytes;
    const { writers } = this.#last();
    this.#flushedOffset = offset;
    this.#flushing = Promise.all(writers.map((writer) => writer.flush())).then(() => {
      this.#onDurable(offset);
    });
    this.#flushing.catch(() => {}); // thrown at the next flush, or at the end
  }

  /** Flushes what has been there for a whole turn without anything being added. */
  #watchIdle(): NodeJS.Timeout {
    let seenOffset = 0;
    return setInterval(() => {
      const offset = this.digest.bytes;
      if (offset === seenOffset && offset > this.#flushedOffset) this.#flush().catch(() => {});
      seenOffset = offset;
    }, IDLE_FLUSH_MS);
  }

  async #segmentWithRoom(signal: AbortSignal): Promise<Segment> {
    const segment = this.#last();
    if (this.#roomOf(segment) > 0) return segment;
    if (this.#partBytes > 0) await this.#endPart();
    this.#seal(segment);
    return await this.#beginSegment(signal);
  }

  async #beginSegment(signal: AbortSignal): Promise<Segment> {
    const { scope } = this.#place;
    const key = this.#place.key + numbered(this.#segments.length);
    const writers: ObjectWriter[] = [];
    for (const target of this.#targets) writers.push(await target.create(key, scope, signal));
    const digest = this.#segments.length === 0 ? this.digest : createDigest();
    const segment: Segment = { writers, digest, beginOffset: this.digest.bytes, parts: [] };
    this.#segments.push(segment);
    return segment;
  }

  #roomOf(segment: Segment): number {
    return segment.beginOffset + this.#place.segmentBytes - this.digest.bytes;
  }

  #last(): Segment {
    const segment = this.#segments.at(-1);
    if (segment === undefined) throw new Error("stream writer was not opened");
    return segment;
  }

  #seal(segment: Segment): void {
    const { digest } = segment;
    segment.sealed ??= {
      bytes: this.digest.bytes - segment.beginOffset,
      sha256: digest.sha256().toString("hex"),
    };
  }

  #keyOf(index: number): string {
    return this.#segments.length === 1 ? this.#place.key : this.#place.key + numbered(index);
  }

  async #publishParts(key: string, segment: Segment, signal: AbortSignal): Promise<StoredObject> {
    const { bytes, sha256 } = segment.sealed ?? { bytes: 0, sha256: "" };
    const list: PartsList = {
      formatVersion: 1,
      object: key,
      bytes,
      partBytes: PART_BYTES,
      crc32: segment.parts.map((crc) => crc.toString(16).padStart(8, "0")),
    };
    const body = Buffer.from(`${JSON.stringify(list)}\n`);
    for (const target of this.#targets) {
      if (await target.putIfAbsent(partsKey(key), body, signal)) continue;
      throw new PenstockError("failed", `${target.url}: the key ${partsKey(key)} is taken`);
    }
    const digest = createHash("sha256").update(body).digest("hex");
    return { key, bytes, sha256, parts: { key: partsKey(key), sha256: digest } };
  }
}

function numbered(index: number): string {
  return `.${String(index).padStart(6, "0")}`;
}
