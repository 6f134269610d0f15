import { CHUNK_BYTES } from "@penstock/common";

/** A stream with less than this could not keep a connection busy. */
const LEAST_SHARE_BYTES = 2 * CHUNK_BYTES;

/**
 * The memory that all streams of a thread share for bytes that are not acknowledged. Every open
 * stream has the same share, at most `perStreamBytes`; it shrinks while more streams are open.
 */
export class MemoryBudget {
  readonly #totalBytes: number;
  readonly #perStreamBytes: number;
  #streams = 0;

  constructor(totalBytes: number, perStreamBytes: number) {
    this.#totalBytes = totalBytes;
    this.#perStreamBytes = perStreamBytes;
  }

  /** One stream more, until it is disposed of; repeating that is harmless. */
  join(): Disposable {
    this.#streams += 1;
    let isIn = true;
    return {
      [Symbol.dispose]: () => {
        if (isIn) this.#streams -= 1;
        isIn = false;
      },
    };
  }

  /** What one stream may hold now. */
  share(): number {
    const fair = Math.floor(this.#totalBytes / Math.max(1, this.#streams));
    return Math.max(LEAST_SHARE_BYTES, Math.min(this.#perStreamBytes, fair));
  }
}
