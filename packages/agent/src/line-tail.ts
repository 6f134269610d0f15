import { TextDecoder } from "node:util";

const LAST_BYTES = 8 * 1024;
const LAST_LINES = 50;
/** A longer line is cut into several. */
const LINE_CHARACTERS = 2000;

/**
 * Text lines from the bytes that a tool says, and the last of them: at most 8 KiB and 50 lines.
 * Bytes that are not UTF-8 become U+FFFD, and so do control characters, which could write to an
 * operator's terminal. A carriage return ends a line too. Holds no more than the last lines.
 */
export class LineTail {
  readonly #onLine: (line: string) => void;
  readonly #decoder: TextDecoder = new TextDecoder();
  readonly #lines: string[] = [];
  #sizeBytes = 0;
  #partial = "";

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
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
    return this.#lines.join("\n");
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
    while (this.#sizeBytes > LAST_BYTES || this.#lines.length > LAST_LINES) {
      this.#sizeBytes -= sizeOf(this.#lines.shift() ?? "");
    }
    this.#onLine(line);
  }
}

/** With its line end. */
function sizeOf(line: string): number {
  return Buffer.byteLength(line) + 1;
}
