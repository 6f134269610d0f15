import { TextDecoder } from "node:util";

/** How much of the end is kept. */
export interface TailLimits {
  readonly bytes: number;
  readonly lines: number;
}

/** What is enough for an error. */
export const SHORT_TAIL: TailLimits = { bytes: 8 * 1024, lines: 50 };
/** A longer line is cut into several. */
const LINE_CHARACTERS = 2000;

/**
 * Text lines from the bytes that a tool says, and the last of them, as many as the limits allow.
 * Bytes that are not UTF-8 become U+FFFD, and so do control characters, which could write to an
 * operator's terminal. A carriage return ends a line too. Holds no more than the last lines.
 */
export class LineTail {
  readonly #onLine: (line: string) => void;
  readonly #limits: TailLimits;
  readonly #decoder: TextDecoder = new TextDecoder();
  /** From `#first` on they are kept; those before are dropped many at a time. */
  #lines: string[] = [];
  #first = 0;
  #sizeBytes = 0;
  #partial = "";

  constructor(onLine: (line: string) => void, limits: TailLimits = SHORT_TAIL) {
    this.#onLine = onLine;
    this.#limits = limits;
  }

  /** Takes the next bytes, cut anywhere. */
  push(bytes: Uint8Array): void {
    this.#split(this.#decoder.decode(bytes, { stream: true }));
  }

  /** The tool says no more: what it said last may lack its line end. */
  end(): void {
    this.#split(`${this.#decoder.decode()}\n`);
  }

  /** The last lines so far. */
  get text(): string {
    return this.#lines.slice(this.#first).join("\n");
  }

  #split(text: string): void {
    const lines = `${this.#partial}${text}`.split(/[\r\n]/);
    this.#partial = lines.pop() ?? "";
    for (const line of lines) this.#cut(line);
    while (this.#partial.length > LINE_CHARACTERS) {
      this.#add(this.#partial.slice(0, LINE_CHARACTERS));
      this.#partial = this.#partial.slice(LINE_CHARACTERS);
    }
  }

  #cut(line: string): void {
    for (let begin = 0; begin < line.length; begin += LINE_CHARACTERS) {
      this.#add(line.slice(begin, begin + LINE_CHARACTERS));
    }
  }

  #add(raw: string): void {
    const line = raw.replaceAll("\t", " ").replaceAll(/\p{Cc}/gu, "\u{FFFD}");
    this.#lines.push(line);
    this.#sizeBytes += sizeOf(line);
    while (this.#isTooMuch()) {
      this.#sizeBytes -= sizeOf(this.#lines[this.#first] ?? "");
      this.#first += 1;
    }
    this.#forget();
    this.#onLine(line);
  }

  #isTooMuch(): boolean {
    const { bytes, lines } = this.#limits;
    return this.#sizeBytes > bytes || this.#lines.length - this.#first > lines;
  }

  #forget(): void {
    if (this.#first < 64 || this.#first < this.#lines.length / 2) return;
    this.#lines = this.#lines.slice(this.#first);
    this.#first = 0;
  }
}

/** With its line end. */
function sizeOf(line: string): number {
  return Buffer.byteLength(line) + 1;
}
