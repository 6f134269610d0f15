/** Bytes kept free before every chunk taken from a Block: room for a frame's envelope. */
export const HEADROOM_BYTES = 48;

/**
 * The most bytes read at once, and so the usual payload of a frame. Larger ones are no faster and
 * cost memory: each side of gRPC queues up to 16 messages of a stream.
 */
export const CHUNK_BYTES: number = 256 * 1024;

/** Size of a block that takes four full chunks, or eight of half the size: what codecs put out. */
export const BLOCK_BYTES: number = 8 * (CHUNK_BYTES / 2 + HEADROOM_BYTES);

/** A chunk that is in use. */
interface Loan {
  readonly block: Block;
  /** Whoever the chunk is handed on to, and whoever else has kept it. */
  uses: number;
}

/** By the very object that `take` gave: a part of a chunk, or a copy of it, is nobody's loan. */
const loans = new WeakMap<Uint8Array, Loan>();

/**
 * A piece of memory that is filled from front to back and handed out in chunks, each with free
 * bytes before it. So the envelope of a frame is written in front of bytes that were read in place,
 * and a payload is copied once on its way, by gRPC itself.
 *
 * A chunk is the block's loan. Who has used it up gives it back; once every chunk is back, and
 * nobody fills the block any more, the block may be filled again. A chunk that is never given back
 * keeps its block from that, and is collected with it like any other memory.
 */
export class Block {
  readonly #buffer: Buffer;
  readonly #onUnused: (block: Block) => void;
  #offset = HEADROOM_BYTES;
  /** Chunks that are not back yet, and one for who fills it. */
  #uses = 1;

  /** `onUnused` is told each time that nobody uses the block any more. */
  constructor(sizeBytes: number = BLOCK_BYTES, onUnused: (block: Block) => void = () => {}) {
    this.#buffer = Buffer.allocUnsafeSlow(sizeBytes);
    this.#onUnused = onUnused;
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
    this.#uses += 1;
    loans.set(chunk, { block: this, uses: 1 });
    return chunk;
  }

  /** One use less: a chunk is back, or it is not filled any more. */
  drop(): void {
    this.#uses -= 1;
    if (this.#uses === 0) this.#onUnused(this);
  }

  /** Of a block that nobody uses: it is empty, and filled by one again. */
  reuse(): void {
    if (this.#uses !== 0) throw new Error("the block is in use");
    this.#offset = HEADROOM_BYTES;
    this.#uses = 1;
  }
}

/** True for a chunk whose headroom is its own. */
export function hasHeadroom(chunk: Uint8Array): boolean {
  return loans.has(chunk);
}

/** The same bytes with headroom: the chunk itself, or a copy of it. */
export function withHeadroom(chunk: Uint8Array): Uint8Array {
  if (hasHeadroom(chunk)) return chunk;
  const block = new Block(HEADROOM_BYTES + chunk.length);
  const copy = block.take(chunk.length);
  copy.set(chunk);
  return copy;
}

/** Its bytes have been used: from now on others may stand there. Of any other bytes nothing changes. */
export function giveBack(chunk: Uint8Array): void {
  const loan = loans.get(chunk);
  if (loan === undefined) return;
  loan.uses -= 1;
  if (loan.uses > 0) return;
  loans.delete(chunk);
  loan.block.drop();
}

/** Its bytes stay what they are until this is disposed of too, whoever gives the chunk back. */
export function keep(chunk: Uint8Array): Disposable {
  const loan = loans.get(chunk);
  if (loan !== undefined) loan.uses += 1;
  let isKept = loan !== undefined;
  return {
    [Symbol.dispose]() {
      if (isKept) giveBack(chunk);
      isKept = false;
    },
  };
}
