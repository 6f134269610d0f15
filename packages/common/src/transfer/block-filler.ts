import { BLOCK_BYTES, Block, CHUNK_BYTES } from "./block.ts";

/** A read into less than this costs more calls than the memory is worth. */
const LEAST_ROOM_BYTES = 64 * 1024;
/** What is kept of a time when more was in use than now. */
const MOST_SPARE_BLOCKS = 64;

/**
 * The blocks of this thread that nobody uses, as long as somebody fills blocks. To fill them again
 * spares the collector what would otherwise be most of its work, and memory its garbage: V8 may let
 * buffers of many times their live size lie about while the machine is busy.
 */
const spares = {
  blocks: [] as Block[],
  fillers: 0,

  take(): Block {
    const block = this.blocks.pop();
    if (block === undefined) return new Block(BLOCK_BYTES, (unused) => this.put(unused));
    block.reuse();
    return block;
  },

  put(block: Block): void {
    if (this.fillers > 0 && this.blocks.length < MOST_SPARE_BLOCKS) this.blocks.push(block);
  },

  leave(): void {
    this.fillers -= 1;
    if (this.fillers === 0) this.blocks = [];
  },
};

/**
 * Memory for one source of chunks: one block after another, each filled from front to back. Holds
 * one block, from the first `room` or `copy` on; others live as long as their chunks are in use.
 */
export class BlockFiller implements Disposable {
  #block: Block | undefined;
  #isDone = false;

  constructor() {
    spares.fillers += 1;
  }

  /** Where the next read may go: 64 KiB to `CHUNK_BYTES`. */
  room(): Buffer {
    return this.#blockWith(LEAST_ROOM_BYTES).free;
  }

  /** The first `sizeBytes` of the last `room`, now a chunk with headroom. */
  take(sizeBytes: number): Uint8Array {
    if (this.#block === undefined) throw new Error("there was no room to read into");
    return this.#block.take(sizeBytes);
  }

  /** A chunk of the same bytes, at most `CHUNK_BYTES`. */
  copy(bytes: Uint8Array): Uint8Array {
    if (bytes.length > CHUNK_BYTES) throw new RangeError(`a chunk of ${bytes.length} bytes`);
    const chunk = this.#blockWith(bytes.length).take(bytes.length);
    chunk.set(bytes);
    return chunk;
  }

  /** There will be no more; repeating it is harmless. Chunks that are in use stay what they are. */
  [Symbol.dispose](): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#leaveBlock();
    spares.leave();
  }

  #blockWith(roomBytes: number): Block {
    if (this.#isDone) throw new Error("the memory has been let go");
    if (this.#block !== undefined && this.#block.free.length >= roomBytes) return this.#block;
    this.#leaveBlock();
    this.#block = spares.take();
    return this.#block;
  }

  #leaveBlock(): void {
    this.#block?.drop();
    this.#block = undefined;
  }
}
