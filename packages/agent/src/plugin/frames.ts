/** What follows the request line on a plugin's connection, either way: a type, a length, a payload. */
export const FRAME = {
  /** Bytes of the stream. */
  data: 0x64,
  /** All of them were sent: how many, in 8 bytes. */
  end: 0x65,
  /** All is well; no payload. */
  ok: 0x6f,
  /** It has failed: `{code, message, hint?}` as JSON. */
  failed: 0x66,
} as const;

/** One byte of type, four of length, the highest first. */
export const HEADER_BYTES = 5;
/** The most that a frame of type `data` carries. */
export const MOST_DATA_BYTES: number = 256 * 1024;
/** The most that any other frame carries. */
export const MOST_WORDS_BYTES: number = 64 * 1024;

/** The head of a frame, as it was read. */
export interface FrameHeader {
  readonly type: number;
  readonly length: number;
}

/** The head of a frame with so many bytes of payload. */
export function frameHeader(type: number, length: number): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt8(type, 0);
  header.writeUInt32BE(length, 1);
  return header;
}

/** The mirror of `frameHeader`. */
export function parseHeader(header: Buffer): FrameHeader {
  return { type: header.readUInt8(0), length: header.readUInt32BE(1) };
}

/** A whole frame. */
export function toFrame(type: number, payload: Uint8Array = new Uint8Array()): Buffer {
  return Buffer.concat([frameHeader(type, payload.length), payload]);
}

/** The frame that says how many bytes there were. */
export function endFrame(bytes: number): Buffer {
  const count = Buffer.allocUnsafe(8);
  count.writeBigUInt64BE(BigInt(bytes));
  return toFrame(FRAME.end, count);
}
