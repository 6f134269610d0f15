import { PenstockError } from "../errors.ts";
import type { FormatCheck } from "./format-check.ts";

/** Of RFC 8878, section 3. All numbers are little-endian. */
const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
/** Of a skippable frame, which holds no data; the low half of the first byte is free. */
const SKIPPABLE_MAGIC = [0x50, 0x2a, 0x4d, 0x18];
const MAGIC_BYTES = 4;
const BLOCK_HEADER_BYTES = 3;
const CHECKSUM_BYTES = 4;
const RLE_BLOCK = 1;
const RESERVED_BLOCK = 3;
const MOST_BLOCK_BYTES = 128 * 1024;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4];
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];

/** What is read next, with the number of its bytes. */
type Step = "magic" | "skippableSize" | "frameHeader" | "blockHeader";
const STEP_BYTES: Readonly<Record<Step, number>> = {
  magic: MAGIC_BYTES,
  skippableSize: 4,
  frameHeader: 1,
  blockHeader: BLOCK_HEADER_BYTES,
};

/**
 * One zstd frame or several, each whole to its last block and its checksum, and nothing behind them;
 * skippable frames anywhere. Only headers are looked at: nothing is inflated, so that this costs
 * nothing, and damage within a block is not seen.
 */
export class ZstdFormat implements FormatCheck {
  readonly #mayBeEmpty: boolean;
  #step: Step = "magic";
  readonly #header: Buffer = Buffer.alloc(MAGIC_BYTES);
  #headerBytes = 0;
  /** Comes before the next step. */
  #skipBytes = 0;
  #hasChecksum = false;
  #hasFrame = false;
  #isTouched = false;

  /** Some compressors write nothing at all if there is nothing to compress: `mayBeEmpty`. */
  constructor({ mayBeEmpty = false }: { readonly mayBeEmpty?: boolean } = {}) {
    this.#mayBeEmpty = mayBeEmpty;
  }

  push(chunk: Uint8Array): undefined {
    let rest = chunk;
    while (rest.length > 0) {
      this.#isTouched = true;
      rest = rest.subarray(this.#skipBytes > 0 ? this.#skip(rest) : this.#take(rest));
    }
  }

  end(): undefined {
    if (!this.#isTouched && this.#mayBeEmpty) return;
    if (!this.#isTouched) throw damaged("is empty: zstd data is missing");
    const isBetween = this.#step === "magic" && this.#headerBytes === 0 && this.#skipBytes === 0;
    if (!isBetween || !this.#hasFrame) throw damaged("ends in the middle of its zstd data");
  }

  [Symbol.dispose](): void {}

  /** Both return how many bytes they have taken. */
  #skip(bytes: Uint8Array): number {
    const count = Math.min(this.#skipBytes, bytes.length);
    this.#skipBytes -= count;
    return count;
  }

  #take(bytes: Uint8Array): number {
    const taken = bytes.subarray(0, STEP_BYTES[this.#step] - this.#headerBytes);
    this.#header.set(taken, this.#headerBytes);
    this.#headerBytes += taken.length;
    const header = this.#header.subarray(0, this.#headerBytes);
    if (this.#step === "magic") this.#assertMagic(header);
    if (this.#headerBytes === STEP_BYTES[this.#step]) {
      this.#headerBytes = 0;
      this.#step = this.#after(header);
    }
    return taken.length;
  }

  /** Also of the first bytes of one: what is behind the last frame may be shorter. */
  #assertMagic(header: Buffer): void {
    if (begins(header, MAGIC) || isSkippable(header)) return;
    throw damaged(
      this.#hasFrame ? "has something else behind its zstd data" : "does not begin with zstd data",
    );
  }

  #after(header: Buffer): Step {
    switch (this.#step) {
      case "magic":
        return isSkippable(header) ? "skippableSize" : "frameHeader";
      case "skippableSize":
        this.#skipBytes = header.readUInt32LE();
        return "magic";
      case "frameHeader":
        return this.#afterDescriptor(header.readUInt8());
      case "blockHeader":
        return this.#afterBlockHeader(header.readUIntLE(0, BLOCK_HEADER_BYTES));
    }
  }

  #afterDescriptor(descriptor: number): Step {
    if ((descriptor & 0b1000) !== 0) throw damaged("has damaged zstd data: a reserved bit is set");
    const isSingleSegment = (descriptor & 0b10_0000) !== 0;
    const contentSizeBytes = CONTENT_SIZE_BYTES[descriptor >> 6] ?? 0;
    // A single segment has no window descriptor, and always says its size.
    const windowOrSizeBytes = isSingleSegment
      ? Math.max(1, contentSizeBytes)
      : 1 + contentSizeBytes;
    this.#skipBytes = windowOrSizeBytes + (DICTIONARY_ID_BYTES[descriptor & 0b11] ?? 0);
    this.#hasChecksum = (descriptor & 0b100) !== 0;
    return "blockHeader";
  }

  #afterBlockHeader(header: number): Step {
    const isLast = (header & 1) === 1;
    const type = (header >> 1) & 0b11;
    const sizeBytes = header >> 3;
    if (type === RESERVED_BLOCK) throw damaged("has damaged zstd data: a block of no known type");
    if (sizeBytes > MOST_BLOCK_BYTES) throw damaged("has damaged zstd data: a block is too large");
    this.#skipBytes = type === RLE_BLOCK ? 1 : sizeBytes;
    if (!isLast) return "blockHeader";
    if (this.#hasChecksum) this.#skipBytes += CHECKSUM_BYTES;
    this.#hasFrame = true;
    return "magic";
  }
}

function begins(header: Buffer, magic: readonly number[]): boolean {
  return header.every((byte, place) => byte === magic[place]);
}

function isSkippable(header: Buffer): boolean {
  const [first = 0, ...others] = header;
  return begins(Buffer.of(first & 0xf0, ...others), SKIPPABLE_MAGIC);
}

function damaged(message: string): PenstockError {
  return new PenstockError("damaged", message);
}
