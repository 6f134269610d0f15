import { BLOCK_BYTES, Block, CHUNK_BYTES } from "@penstock/common";

/** A read into less than this costs more calls than the memory is worth. */
const LEAST_ROOM_BYTES = 64 * 1024;

/**
 * Memory for one reader: one block after another, each filled from front to back. Holds one block;
 * older ones live as long as their chunks do.
 */
export class ReadSpace {
  #block: Block = new Block(BLOCK_BYTES);

  /** There will be no more reads: the last block lives only as long as its chunks do. */
  release(): void {
    this.#block = new Block(0);
  }

  /** Where the next read may go: 64 KiB to `CHUNK_BYTES`. */
  room(): Buffer {
    if (this.#block.free.length < LEAST_ROOM_BYTES) this.#block = new Block(BLOCK_BYTES);
    return this.#block.free.subarray(0, CHUNK_BYTES);
  }

  /** The first `sizeBytes` of the last `room`, now a chunk with headroom. */
  take(sizeBytes: number): Uint8Array {
    return this.#block.take(sizeBytes);
  }
}
