/** Bytes kept free before every chunk taken from a Block: room for a frame's envelope. */
export const HEADROOM_BYTES = 48;

/**
 * The most bytes read at once, and so the usual payload of a frame. Larger ones are no faster and
 * cost memory: each side of gRPC queues up to 16 messages of a stream.
 */
export const CHUNK_BYTES: number = 256 * 1024;

/** Size of a block that takes four full chunks. */
export const BLOCK_BYTES: number = 4 * (CHUNK_BYTES + HEADROOM_BYTES);

const blockBuffers = new WeakSet<ArrayBufferLike>();

/**
 * A piece of memory that is filled from front to back and handed out in chunks, each with free
 * bytes before it. So the envelope of a frame is written in front of bytes that were read in place,
 * and a payload is copied once on its way, by gRPC itself.
 *
 * Chunks are never reused: a block lives as long as one of its chunks does.
 */
export class Block {
  readonly #buffer: Buffer;
  #offset = HEADROOM_BYTES;

  constructor(sizeBytes: number = BLOCK_BYTES) {
    this.#buffer = Buffer.allocUnsafeSlow(sizeBytes);
    blockBuffers.add(this.#buffer.buffer);
  }

  /** The next part that is free to read into, at most a chunk; empty when the block is full. */
  get free(): Buffer {
    const begin = Math.min(this.#offset, this.#buffer.length);
    return this.#buffer.subarray(begin, begin + CHUNK_BYTES);
  }

  /** The first `sizeBytes` of `free`, now a chunk. */
  take(sizeBytes: number): Uint8Array {
    const chunk = this.#buffer.subarray(this.#offset, this.#offset + sizeBytes);
    this.#offset += sizeBytes + HEADROOM_BYTES;
    return chunk;
  }
}

/** True for a chunk whose headroom is its own. */
export function hasHeadroom(chunk: Uint8Array): boolean {
  return chunk.byteOffset >= HEADROOM_BYTES && blockBuffers.has(chunk.buffer);
}

/** The same bytes with headroom: the chunk itself, or a copy of it. */
export function withHeadroom(chunk: Uint8Array): Uint8Array {
  if (hasHeadroom(chunk)) return chunk;
  const block = new Block(HEADROOM_BYTES + chunk.length);
  const copy = block.take(chunk.length);
  copy.set(chunk);
  return copy;
}
