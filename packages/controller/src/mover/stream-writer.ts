import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import {
  type CheckedFrame,
  type Clock,
  combineCrc32,
  createDigest,
  type Digest,
  type FrameSink,
  PART_BYTES,
  type PartsList,
  PenstockError,
  partsKey,
  type StoredObject,
  systemClock,
  toError,
} from "@penstock/common";
import { putOnce } from "../targets/put-once.ts";
import type { ObjectWriter, Target } from "../targets/target.ts";
import { type LeftSegment, takeOverSegments } from "./left-segments.ts";
import { type StreamPlace, segmentKey } from "./stream-place.ts";

/**
 * How long bytes wait for their part to become full before they are made durable all the same. A
 * sender with little memory can send no more until they are.
 */
const IDLE_FLUSH_MS = 100;

/** What a writer tells while it writes. */
export interface WriterEvents {
  /** Every target would survive a power cut with all bytes below this offset. */
  readonly onDurable: (offset: number) => void;
  /** A flush has failed, so that the sender, which may be waiting for it, gets no more room. */
  readonly onFailed: (error: Error) => void;
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
 * Nothing is visible before `publish`; disposing without it leaves nothing.
 */
export class StreamWriter implements FrameSink, AsyncDisposable {
  readonly digest: Digest = createDigest();
  #targets: readonly Target[] = [];
  readonly #place: StreamPlace;
  readonly #events: WriterEvents;
  readonly #segments: Segment[] = [];
  /** Of what every target has taken: `digest` runs ahead of it while a write is under way. */
  #writtenBytes = 0;
  #partBytes = 0;
  #partCrc = 0;
  #flushing: Promise<void> = Promise.resolve();
  #isFlushing = false;
  #flushedOffset = 0;
  readonly #clock: Clock;
  #idleTimer: Disposable | undefined;

  constructor(place: StreamPlace, events: WriterEvents, clock: Clock = systemClock) {
    this.#place = place;
    this.#clock = clock;
    this.#events = events;
  }

  /** A target has not yet answered a write or a flush. */
  get isWaiting(): boolean {
    return this.#isFlushing || this.digest.bytes > this.#writtenBytes;
  }

  /** Begins the first object, so that a target that cannot be written to is found early. */
  async open(targets: readonly Target[], signal: AbortSignal): Promise<void> {
    this.#targets = targets;
    await this.#beginSegment(signal);
    this.#idleTimer = this.#watchIdle();
  }

  /**
   * Instead of `open`: goes on with what a dead mover has stored, of which `offset` bytes were
   * acknowledged. All of it is read again, so that the digest is that of what is there. Returns the
   * offset from which to go on: the same, or the stream's end if it was complete.
   */
  async resume(targets: readonly Target[], offset: number, signal: AbortSignal): Promise<number> {
    this.#targets = targets;
    for await (const left of takeOverSegments(this.#place, targets, offset, signal)) {
      await this.#readAgain(left, signal);
    }
    if (this.#segments.length === 0) await this.#beginSegment(signal);
    this.#writtenBytes = this.digest.bytes;
    this.#flushedOffset = this.digest.bytes;
    this.#idleTimer = this.#watchIdle();
    return this.digest.bytes;
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
    this.#idleTimer?.[Symbol.dispose]();
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
    this.#idleTimer?.[Symbol.dispose]();
    await this.#flushing.catch(() => {}); // whoever was writing has seen it
    const writers = this.#segments.flatMap((segment) => segment.writers);
    await Promise.all(writers.map((writer) => writer.abort()));
  }

  async #writePiece(segment: Segment, piece: Uint8Array, crc: number): Promise<void> {
    this.#count(segment, piece, crc);
    await Promise.all(segment.writers.map((writer) => writer.write(piece)));
    this.#writtenBytes += piece.length;
    if (this.#partBytes === PART_BYTES) await this.#endPart();
  }

  #count(segment: Segment, piece: Uint8Array, crc: number): void {
    this.digest.update(piece);
    // The first object's digest is the stream's own; a later one needs a second hash.
    if (segment.digest !== this.digest) segment.digest.update(piece);
    this.#partCrc = this.#partBytes === 0 ? crc : combineCrc32(this.#partCrc, crc, piece.length);
    this.#partBytes += piece.length;
  }

  async #endPart(): Promise<void> {
    this.#notePart();
    await this.#flush();
  }

  #notePart(): void {
    this.#last().parts.push(this.#partCrc);
    this.#partBytes = 0;
  }

  async #readAgain({ writers, read }: LeftSegment, signal: AbortSignal): Promise<void> {
    const segment = this.#addSegment(writers);
    for await (const chunk of read(signal)) {
      for (let rest = chunk; rest.length > 0; ) {
        const piece = rest.subarray(0, PART_BYTES - this.#partBytes);
        this.#count(segment, piece, crc32(piece));
        if (this.#partBytes === PART_BYTES) this.#notePart();
        rest = rest.subarray(piece.length);
      }
    }
    if (this.#partBytes > 0) this.#notePart();
    this.#seal(segment);
  }

  /** Flushes while more is being written; one flush at a time. */
  async #flush(): Promise<void> {
    const before = this.#flushing;
    const offset = this.#writtenBytes;
    const { writers } = this.#last();
    this.#flushedOffset = offset;
    this.#flushing = before.then(() => this.#flushNow(writers, offset));
    this.#flushing.catch((error: unknown) => this.#events.onFailed(toError(error)));
    await before;
  }

  async #flushNow(writers: readonly ObjectWriter[], offset: number): Promise<void> {
    this.#isFlushing = true;
    await Promise.all(writers.map((writer) => writer.flush()));
    this.#isFlushing = false;
    this.#events.onDurable(offset);
  }

  /** Flushes what has been there for a whole turn without anything being added. */
  #watchIdle(): Disposable {
    let seenOffset = 0;
    return this.#clock.every(IDLE_FLUSH_MS, () => {
      const offset = this.#writtenBytes;
      if (offset === seenOffset && offset > this.#flushedOffset) this.#flush().catch(() => {});
      seenOffset = offset;
    });
  }

  async #segmentWithRoom(signal: AbortSignal): Promise<Segment> {
    const segment = this.#last();
    if (this.#roomOf(segment) > 0) return segment;
    if (this.#partBytes > 0) await this.#endPart();
    this.#seal(segment);
    return await this.#beginSegment(signal);
  }

  async #beginSegment(signal: AbortSignal): Promise<Segment> {
    const key = segmentKey(this.#place, this.#segments.length);
    const { scope } = this.#place;
    const writers: ObjectWriter[] = [];
    const segment = this.#addSegment(writers); // first: if a target fails, the others' are aborted
    for (const target of this.#targets) writers.push(await target.create(key, scope, signal));
    return segment;
  }

  #addSegment(writers: readonly ObjectWriter[]): Segment {
    const digest = this.#segments.length === 0 ? this.digest : createDigest();
    const segment: Segment = { writers, digest, beginOffset: this.digest.bytes, parts: [] };
    this.#segments.push(segment);
    return segment;
  }

  #roomOf(segment: Segment): number {
    if (segment.sealed !== undefined) return 0;
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
    return this.#segments.length === 1 ? this.#place.key : segmentKey(this.#place, index);
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
      if (await putOnce(target, partsKey(key), body, signal)) continue;
      throw new PenstockError("failed", `${target.url}: the key ${partsKey(key)} is taken`);
    }
    const digest = createHash("sha256").update(body).digest("hex");
    return { key, bytes, sha256, parts: { key: partsKey(key), sha256: digest } };
  }
}
