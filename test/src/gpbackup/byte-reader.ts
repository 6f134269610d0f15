/** Takes counted bytes from a stream; a stream that fails ends for it. */
export class ByteReader {
  /** True once an end has been met where bytes were wanted. */
  hasEnded = false;
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Waits until there are bytes, or the end. */
  async peek(): Promise<void> {
    if (this.#rest.length === 0) await this.#next();
  }

  /** The next `count` bytes, or those up to the end. */
  async *take(count: number): AsyncGenerator<Buffer, void, undefined> {
    for (let left = count; left > 0; ) {
      await this.peek();
      if (this.hasEnded) return;
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  async skip(count: number): Promise<void> {
    for await (const _ of this.take(count));
  }

  async #next(): Promise<void> {
    try {
      const { done, value } = await this.#source.next();
      if (done === true) this.hasEnded = true;
      else this.#rest = value;
    } catch {
      this.hasEnded = true; // such as a compressed stream that was cut off
    }
  }
}
