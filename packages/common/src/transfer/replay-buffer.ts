import { raceAbort } from "../byte-stream.ts";
import { PenstockError } from "../errors.ts";
import { giveBack } from "./block.ts";
import { type EncodedFrame, frameFrom } from "./frame-codec.ts";

/** What a frame costs beyond its payload: headroom, objects. Keeps many tiny frames bounded too. */
const FRAME_OVERHEAD_BYTES = 1024;

/** What the reader of a replay buffer gets: the next frame, or the end of the stream. */
export type Replay = { readonly frame: EncodedFrame } | { readonly end: true };

/**
 * Frames that were made but not yet acknowledged, in order. A writer fills it and waits while it is
 * full; a reader, one at a time, may begin again at any offset that has not been acknowledged.
 *
 * Bound: `limitBytes()`, payload and overhead, and one frame more.
 */
export class ReplayBuffer {
  readonly #limitBytes: () => number;
  readonly #frames: EncodedFrame[] = [];
  #ackedOffset = 0;
  #endOffset = 0;
  #heldBytes = 0;
  #ended = false;
  #failure: Error | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(limitBytes: () => number) {
    this.#limitBytes = limitBytes;
  }

  /** First byte that may still be asked for. */
  get ackedOffset(): number {
    return this.#ackedOffset;
  }

  /** One past the last byte that was pushed. */
  get endOffset(): number {
    return this.#endOffset;
  }

  /** Memory held by frames that are not acknowledged. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Why there will be no end, if that is so. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Adds the next frame; resolves when there is room for another. */
  async push(frame: EncodedFrame, signal: AbortSignal): Promise<void> {
    this.#frames.push(frame);
    this.#endOffset = frame.offset + frame.data.length;
    this.#heldBytes += frame.data.length + FRAME_OVERHEAD_BYTES;
    this.#wake();
    while (this.#heldBytes >= this.#limitBytes()) {
      await raceAbort(this.#changed.promise, signal);
    }
  }

  /** There are no more frames. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** There will be no end: every reader gets this error. The first one counts. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#wake();
  }

  /**
   * Forgets what lies wholly below `offset`, and gives its memory back. An offset that was never
   * pushed is `damaged`.
   */
  acknowledge(offset: number): void {
    this.#assertKnown(offset);
    if (offset <= this.#ackedOffset) return;
    this.#ackedOffset = offset;
    const keep = this.#frames.findIndex((frame) => frame.offset + frame.data.length > offset);
    const gone = this.#frames.splice(0, keep === -1 ? this.#frames.length : keep);
    for (const { data } of gone) {
      this.#heldBytes -= data.length + FRAME_OVERHEAD_BYTES;
      giveBack(data);
    }
    this.#wake();
  }

  /** The frame that begins at `offset` (cut if need be), as soon as it is there. */
  async next(offset: number, signal: AbortSignal): Promise<Replay> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      this.#assertKnown(offset);
      if (offset < this.#endOffset) return { frame: this.#frameAt(offset) };
      if (this.#ended) return { end: true };
      await raceAbort(this.#changed.promise, signal);
    }
  }

  #frameAt(offset: number): EncodedFrame {
    if (offset < this.#ackedOffset) {
      throw new PenstockError("failed", `byte ${offset} is no longer kept: it was acknowledged`);
    }
    // Frames are few (at most the limit over the frame size); the wanted one is mostly near the end.
    const frame = this.#frames.findLast((candidate) => candidate.offset <= offset);
    if (frame === undefined) throw new PenstockError("internal", `no frame at byte ${offset}`);
    return frameFrom(frame, offset);
  }

  #assertKnown(offset: number): void {
    if (Number.isSafeInteger(offset) && offset >= 0 && offset <= this.#endOffset) return;
    throw new PenstockError("damaged", `byte ${offset} is beyond the ${this.#endOffset} there are`);
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
