import { PenstockError } from "../errors.ts";
import type { FormatCheck } from "./format-check.ts";
import { Tail } from "./tail.ts";

const BLOCK_BYTES = 512;
const NO_BYTES = new Uint8Array(2 * BLOCK_BYTES);

/** A tar archive: blocks of 512 bytes, of which the last two are zero. */
export class TarFormat implements FormatCheck {
  readonly #tail: Tail = new Tail(NO_BYTES.length);
  #sizeBytes = 0;

  push(chunk: Uint8Array): undefined {
    this.#tail.push(chunk);
    this.#sizeBytes += chunk.length;
  }

  end(): undefined {
    const isWhole = this.#sizeBytes % BLOCK_BYTES === 0 && this.#tail.bytes.equals(NO_BYTES);
    if (isWhole) return;
    throw new PenstockError("damaged", "ends without the two zero blocks that close a tar archive");
  }

  [Symbol.dispose](): void {}
}
