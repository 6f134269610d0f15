const LINE_FEED = 0x0a;
const END_OF_ROWS = "\\.\n";

/** A script for psql in reading order: lines, and the rows that follow a COPY. */
export class ScriptInput {
  readonly #source: AsyncIterator<Buffer>;
  /** Begins where a line does. */
  #buffer: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next line, without its end, which the last one need not have; undefined after it. */
  async line(): Promise<string | undefined> {
    for (let from = 0; ; ) {
      const end = this.#buffer.indexOf(LINE_FEED, from);
      if (end >= 0) return this.#take(end + 1).toString("utf8", 0, end);
      from = this.#buffer.length;
      if (!(await this.#fill())) break;
    }
    return this.#buffer.length === 0 ? undefined : this.#take(this.#buffer.length).toString();
  }

  /** Whole lines up to the one that reads `\.`, which is passed over, or, like psql, to the end. */
  async *rows(): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      if (this.#buffer.indexOf(END_OF_ROWS) === 0) return void this.#take(END_OF_ROWS.length);
      const found = this.#buffer.indexOf(`\n${END_OF_ROWS}`);
      const end = found >= 0 ? found : this.#buffer.lastIndexOf(LINE_FEED);
      if (end >= 0) yield this.#take(end + 1);
      if (found < 0 && !(await this.#fill())) break;
    }
    const last = this.#take(this.#buffer.length);
    if (last.length > 0 && last.toString() !== "\\.") yield last;
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
