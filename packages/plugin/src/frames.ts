/** What follows the request line, either way; see docs/wire-protocol.md. */
export const FRAME = { data: 0x64, end: 0x65, ok: 0x6f, failed: 0x66 } as const;

const HEADER_BYTES = 5;

/** One frame, or a piece of the payload of one of type `data`. */
export interface Frame {
  readonly type: number;
  readonly payload: Buffer;
}

/** The head of a frame with so many bytes of payload. */
export function frameHeader(type: number, length: number): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt8(type, 0);
  header.writeUInt32BE(length, 1);
  return header;
}

/** Says how many bytes there were. */
export function endFrame(bytes: number): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + 8);
  frameHeader(FRAME.end, 8).copy(frame);
  frame.writeBigUInt64BE(BigInt(bytes), HEADER_BYTES);
  return frame;
}

/** What the agent says, as it comes; ends where the connection does. Holds one frame that is no data. */
export async function* readFrames(
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<Frame, void, undefined> {
  const parser = new FrameParser();
  for await (const chunk of chunks) yield* parser.push(chunk);
}

class FrameParser {
  #rest: Buffer = Buffer.alloc(0);
  /** What is still to come of a frame of type `data`. */
  #dataBytes = 0;

  *push(chunk: Buffer): Generator<Frame, void, undefined> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) yield frame;
  }

  #next(): Frame | undefined {
    if (this.#dataBytes > 0) return this.#data();
    if (this.#rest.length < HEADER_BYTES) return undefined;
    const [type, length] = [this.#rest.readUInt8(0), this.#rest.readUInt32BE(1)];
    if (type !== FRAME.data && this.#rest.length < HEADER_BYTES + length) return undefined;
    this.#take(HEADER_BYTES);
    if (type !== FRAME.data) return { type, payload: this.#take(length) };
    this.#dataBytes = length;
    return this.#next();
  }

  #data(): Frame | undefined {
    const payload = this.#take(Math.min(this.#dataBytes, this.#rest.length));
    this.#dataBytes -= payload.length;
    return payload.length === 0 ? undefined : { type: FRAME.data, payload };
  }

  #take(bytes: number): Buffer {
    const piece = this.#rest.subarray(0, bytes);
    this.#rest = this.#rest.subarray(bytes);
    return piece;
  }
}
