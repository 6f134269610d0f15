/** The last bytes of a stream, cut anywhere. Holds as many as it keeps. */
export class Tail {
  readonly #kept: Buffer;
  #sizeBytes = 0;

  constructor(keepBytes: number) {
    this.#kept = Buffer.alloc(keepBytes);
  }

  /** Copies what it keeps. */
  push(chunk: Uint8Array): void {
    const limit = this.#kept.length;
    const added = chunk.subarray(Math.max(0, chunk.length - limit));
    const older = Math.min(this.#sizeBytes, limit - added.length);
    this.#kept.copyWithin(0, this.#sizeBytes - older, this.#sizeBytes);
    this.#kept.set(added, older);
    this.#sizeBytes = older + added.length;
  }

  /** All there were, if they are fewer than it keeps. Valid until the next `push`. */
  get bytes(): Buffer {
    return this.#kept.subarray(0, this.#sizeBytes);
  }
}
