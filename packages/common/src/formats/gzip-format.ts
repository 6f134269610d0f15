import { createGunzip, type Gunzip } from "node:zlib";
import { isErrno, PenstockError, toError } from "../errors.ts";
import type { FormatCheck } from "./format-check.ts";

/** Large ones cost fewer turns; more than this is hardly faster. */
const OUTPUT_CHUNK_BYTES = 128 * 1024;
const MAGIC = [0x1f, 0x8b];

/**
 * One gzip member or several, each whole by its own trailer, and nothing behind them. What they hold
 * is checked as another format, if one is given. Inflates in a thread of libuv's pool, so most of the
 * work is done beside what happens to the bytes meanwhile. Holds one chunk of 128 KiB.
 */
export class GzipFormat implements FormatCheck {
  readonly #content: FormatCheck | undefined;
  readonly #gunzip: Gunzip = createGunzip({ chunkSize: OUTPUT_CHUNK_BYTES });
  readonly #inflated: Promise<void>;
  readonly #begin: number[] = [];
  #sizeBytes = 0;
  /** All is inflated, or it has failed: writes are not answered any more. */
  #isOver = false;
  /** Ends the write that waits. */
  #endWrite: () => void = () => {};

  constructor(content?: FormatCheck) {
    this.#content = content;
    this.#inflated = this.#inflate();
    const onOver = (): void => {
      this.#isOver = true;
      this.#endWrite();
    };
    this.#inflated.then(onOver, onOver);
  }

  async push(chunk: Uint8Array): Promise<void> {
    if (chunk.length === 0) return;
    if (this.#begin.length < MAGIC.length) this.#begin.push(...chunk.subarray(0, MAGIC.length));
    this.#sizeBytes += chunk.length;
    if (!this.#isOver) await this.#write(chunk);
    // Node takes zeros behind a member for the end of everything, and passes over the rest.
    if (this.#gunzip.bytesWritten === this.#sizeBytes) return;
    throw await this.#inflated.then(somethingBehind, toDamageOf(this.#begin));
  }

  async end(): Promise<void> {
    if (this.#sizeBytes === 0) throw new PenstockError("damaged", "is empty: gzip data is missing");
    this.#gunzip.end();
    try {
      await this.#inflated;
    } catch (error) {
      throw toDamageOf(this.#begin)(error);
    }
    await this.#content?.end();
  }

  [Symbol.dispose](): void {
    this.#gunzip.destroy();
    this.#content?.[Symbol.dispose]();
  }

  /** Resolves when the bytes are inflated, or will never be. */
  #write(chunk: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#endWrite = resolve;
      this.#gunzip.write(chunk, () => resolve());
    });
  }

  async #inflate(): Promise<void> {
    for await (const text of this.#gunzip) await this.#content?.push(text as Uint8Array);
  }
}

/** What inflating has failed with, in words; `begin` are the first bytes of the stream. */
function toDamageOf(begin: readonly number[]): (error: unknown) => PenstockError {
  return (error) => {
    if (error instanceof PenstockError) return error;
    const damaged = (what: string): PenstockError =>
      new PenstockError("damaged", what, { cause: error });
    if (isErrno(error, "Z_BUF_ERROR")) return damaged("ends in the middle of its gzip data");
    if (MAGIC.some((byte, place) => begin[place] !== byte)) {
      return damaged("does not begin with gzip data");
    }
    const { message } = toError(error);
    if (message === "incorrect header check") return somethingBehind();
    return damaged(`has damaged gzip data: ${message}`);
  };
}

function somethingBehind(): PenstockError {
  return new PenstockError("damaged", "has something else behind its gzip data");
}
