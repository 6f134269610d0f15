import { EventEmitter, once } from "node:events";
import type { Readable } from "node:stream";

/** What a child process has written to one of its outputs so far, as text. */
export class Output {
  /** Resolves when the output is closed. */
  readonly ended: Promise<void>;
  readonly #changes = new EventEmitter<{ change: [] }>();
  #text = "";
  #open = true;

  /** Reads `stream` to its end; every piece is also handed to `echo` as it comes. */
  constructor(stream: Readable, echo: (text: string) => void = () => {}) {
    this.#changes.setMaxListeners(0);
    this.ended = this.#read(stream, echo);
  }

  get text(): string {
    return this.#text;
  }

  /**
   * The first match in everything written, as soon as it is there. Throws if the output ends
   * without it, or with the signal's reason.
   */
  async waitFor(pattern: RegExp, signal: AbortSignal): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#text);
      if (match) return match;
      if (!this.#open)
        throw new Error(`output ended without ${pattern}: ${this.#text.slice(-2000)}`);
      await once(this.#changes, "change", { signal });
    }
  }

  async #read(stream: Readable, echo: (text: string) => void): Promise<void> {
    stream.setEncoding("utf8");
    try {
      for await (const piece of stream as AsyncIterable<string>) {
        this.#text += piece;
        echo(piece);
        this.#changes.emit("change");
      }
    } catch {
      // A pipe torn down with its process; what was read stays.
    } finally {
      this.#open = false;
      this.#changes.emit("change");
    }
  }
}
