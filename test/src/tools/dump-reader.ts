const LINE_FEED = 0x0a;
const LIMIT_BYTES = 1024 * 1024;

/** Takes a text apart in reading order: line by line, or everything up to a mark. */
export class DumpReader {
  readonly #source: AsyncIterator<Buffer>;
  #buffer: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next line, without its end; undefined at the end. Throws if the last line has no end. */
  async line(): Promise<string | undefined> {
    for (let from = 0; ; ) {
      const end = this.#buffer.indexOf(LINE_FEED, from);
      if (end >= 0) return this.#take(end + 1).toString("utf8", 0, end);
      if (this.#buffer.length > LIMIT_BYTES) throw new Error("a line is too long");
      from = this.#buffer.length;
      if (!(await this.#fill())) break;
    }
    if (this.#buffer.length > 0) throw new Error("the input ends in the middle of a line");
    return undefined;
  }

  /**
   * Lines up to the one that reads `mark` (with its line feed), which is passed over.
   * Throws if the input ends before.
   */
  async *linesUntil(mark: string): AsyncGenerator<Buffer, void, undefined> {
    const atLineStart = Buffer.from(`\n${mark}`);
    if (await this.#startsWith(mark)) return void this.#take(mark.length);
    for (;;) {
      const found = this.#buffer.indexOf(atLineStart);
      if (found >= 0) {
        yield this.#take(found + 1);
        this.#take(mark.length);
        return;
      }
      // The end of what is here may be the beginning of the mark.
      const safe = this.#buffer.length - atLineStart.length;
      if (safe > 0) yield this.#take(safe);
      if (!(await this.#fill())) throw new Error("the input ends in the middle of a table");
    }
  }

  async #startsWith(mark: string): Promise<boolean> {
    while (this.#buffer.length < mark.length) {
      if (!(await this.#fill())) return false;
    }
    return this.#buffer.toString("utf8", 0, mark.length) === mark;
  }

  #take(bytes: number): Buffer {
    const taken = this.#buffer.subarray(0, bytes);
    this.#buffer = this.#buffer.subarray(bytes);
    return taken;
  }

  async #fill(): Promise<boolean> {
    const { done, value } = await this.#source.next();
    if (done) return false;
    this.#buffer = this.#buffer.length === 0 ? value : Buffer.concat([this.#buffer, value]);
    return true;
  }
}
