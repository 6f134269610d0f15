/** The bytes of a connection, taken as they are wanted. A connection that breaks has ended. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);
  #filling: Promise<boolean> | undefined;

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Resolves when there is a byte to take: true; or never will be: false. Takes nothing. */
  async filled(): Promise<boolean> {
    if (this.#rest.length > 0) return true;
    this.#filling ??= this.#fill();
    return await this.#filling;
  }

  /** Bytes up to a line break, which is not among them; `undefined` if it does not come within the limit. */
  async line(limitBytes: number): Promise<string | undefined> {
    const pieces: Buffer[] = [];
    for (let bytes = 0; await this.filled(); ) {
      const index = this.#rest.indexOf("\n");
      const piece = this.#take(index === -1 ? this.#rest.length : index);
      bytes += piece.length;
      if (bytes > limitBytes) return undefined;
      pieces.push(piece);
      if (index === -1) continue;
      this.#take(1);
      return Buffer.concat(pieces).toString();
    }
    return undefined;
  }

  /** So many bytes, of which there are few; `undefined` if the connection ends before. */
  async exactly(bytes: number): Promise<Buffer | undefined> {
    const target = Buffer.alloc(bytes);
    for (let offset = 0; offset < bytes; ) {
      const read = await this.into(target.subarray(offset));
      if (read === 0) return undefined;
      offset += read;
    }
    return target;
  }

  /** Fills the target from its front with what is there; 0 at the end. */
  async into(target: Uint8Array): Promise<number> {
    if (!(await this.filled())) return 0;
    const piece = this.#take(Math.min(target.length, this.#rest.length));
    target.set(piece);
    return piece.length;
  }

  /** Takes everything to the end. */
  async discard(): Promise<void> {
    while (await this.filled()) this.#take(this.#rest.length);
  }

  #take(bytes: number): Buffer {
    const piece = this.#rest.subarray(0, bytes);
    this.#rest = this.#rest.subarray(bytes);
    return piece;
  }

  async #fill(): Promise<boolean> {
    try {
      const { done, value } = await this.#chunks.next();
      if (done === true) return false;
      this.#rest = value;
      return true;
    } catch {
      return false; // broken: whoever reads misses the explicit end
    } finally {
      this.#filling = undefined;
    }
  }
}
