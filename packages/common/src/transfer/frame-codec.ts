import { crc32 } from "node:zlib";
import { type Frame, TransferMessage } from "@penstock/proto";
import { PenstockError } from "../errors.ts";
import { HEADROOM_BYTES, withHeadroom } from "./block.ts";

/** The most bytes that one frame carries. Longer ones are refused. */
export const MAX_FRAME_BYTES: number = 1024 * 1024;

/** A frame as it goes over the wire; its payload is a view of the bytes that were read. */
export interface EncodedFrame {
  /** Of the payload's first byte in the stored sequence. */
  readonly offset: number;
  readonly data: Uint8Array;
  /** The whole TransferMessage: envelope and payload in one piece of memory. */
  readonly wire: Uint8Array;
}

/** A received frame whose checksum and place are right. */
export interface CheckedFrame {
  readonly offset: number;
  readonly crc32: number;
  readonly data: Uint8Array;
}

/**
 * Encodes a frame without copying a payload that has headroom: the envelope is written in front of
 * it. (ts-proto's `encode().finish()` and `Buffer.from` copy it twice more than gRPC itself does.)
 */
export function encodeFrame(offset: number, chunk: Uint8Array): EncodedFrame {
  const data = withHeadroom(chunk);
  const memory = Buffer.from(
    data.buffer,
    data.byteOffset - HEADROOM_BYTES,
    HEADROOM_BYTES + data.length,
  );
  const writer = new ReverseWriter(memory, HEADROOM_BYTES);
  writer.varint(data.length);
  writer.byte(DATA_TAG);
  writer.uint32(crc32(data));
  writer.byte(CRC_TAG);
  writer.varint(offset);
  writer.byte(OFFSET_TAG);
  writer.varint(memory.length - writer.position);
  writer.byte(FRAME_TAG);
  return { offset, data, wire: memory.subarray(writer.position) };
}

/** What is left of a frame from an offset inside it: for a receiver that has its beginning. */
export function frameFrom(frame: EncodedFrame, offset: number): EncodedFrame {
  if (offset === frame.offset) return frame;
  return encodeFrame(offset, Buffer.from(frame.data.subarray(offset - frame.offset)));
}

/** Encodes any message; an encoded frame passes as it is. For gRPC's `serialize`. */
export function serializeTransfer(message: EncodedFrame | TransferMessage): Buffer {
  if ("wire" in message) {
    const { buffer, byteOffset, byteLength } = message.wire;
    return Buffer.from(buffer, byteOffset, byteLength);
  }
  return Buffer.from(TransferMessage.encode(message).finish());
}

/**
 * Decodes any message; the payload of a frame in the usual layout is a view, not a copy. Throws on
 * malformed bytes. For gRPC's `deserialize`.
 */
export function deserializeTransfer(bytes: Buffer): TransferMessage {
  return decodeUsualFrame(bytes) ?? TransferMessage.decode(bytes);
}

/** A frame that continues at `expectedOffset` and whose checksum is right; else `damaged`. */
export function checkFrame(frame: Frame, expectedOffset: number): CheckedFrame {
  const offset = Number(frame.offset);
  const { data } = frame;
  const range = `bytes ${offset} to ${offset + data.length}`;
  if (offset !== expectedOffset) {
    throw new PenstockError("damaged", `${range} arrived where byte ${expectedOffset} was due`);
  }
  if (data.length === 0 || data.length > MAX_FRAME_BYTES) {
    throw new PenstockError("damaged", `frame at byte ${offset} has a length of ${data.length}`);
  }
  if (crc32(data) !== frame.crc32) {
    throw new PenstockError("damaged", `${range} were changed on the way: their checksum is wrong`);
  }
  return { offset, crc32: frame.crc32, data };
}

// Tags of agent.proto: (field number << 3) | wire type.
const FRAME_TAG = (1 << 3) | 2;
const OFFSET_TAG = (1 << 3) | 0;
const CRC_TAG = (2 << 3) | 5;
const DATA_TAG = (3 << 3) | 2;

/** Writes protobuf fields backwards, from a position towards the beginning. */
class ReverseWriter {
  readonly #memory: Buffer;
  position: number;

  constructor(memory: Buffer, position: number) {
    this.#memory = memory;
    this.position = position;
  }

  byte(value: number): void {
    this.position -= 1;
    this.#memory[this.position] = value;
  }

  uint32(value: number): void {
    this.position -= 4;
    this.#memory.writeUInt32LE(value, this.position);
  }

  varint(value: number): void {
    const groups: number[] = [];
    let rest = value;
    do {
      groups.push(rest % 128);
      rest = Math.floor(rest / 128);
    } while (rest > 0);
    groups.reverse().forEach((group, index) => {
      this.byte(index === 0 ? group : group | 0x80);
    });
  }
}

/** The layout that `encodeFrame` writes; `undefined` for any other, which the general decoder reads. */
function decodeUsualFrame(bytes: Buffer): TransferMessage | undefined {
  if (bytes[0] !== FRAME_TAG) return undefined;
  const length = readVarint(bytes, 1);
  if (length === undefined || length.end + length.value !== bytes.length) return undefined;
  if (bytes[length.end] !== OFFSET_TAG) return undefined;
  const offset = readVarint(bytes, length.end + 1);
  if (offset === undefined || bytes[offset.end] !== CRC_TAG || offset.end + 5 >= bytes.length) {
    return undefined;
  }
  const crc = bytes.readUInt32LE(offset.end + 1);
  if (bytes[offset.end + 5] !== DATA_TAG) return undefined;
  const size = readVarint(bytes, offset.end + 6);
  if (size === undefined || size.end + size.value !== bytes.length) return undefined;
  const data = bytes.subarray(size.end);
  const frame: Frame = { offset: BigInt(offset.value), crc32: crc, data };
  return { message: { $case: "frame", value: frame } };
}

/** A varint below 2^53 and where it ends. */
function readVarint(bytes: Buffer, begin: number): { value: number; end: number } | undefined {
  let value = 0;
  let factor = 1;
  for (let position = begin; position < begin + 8 && position < bytes.length; position++) {
    const byte = bytes[position] ?? 0;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return Number.isSafeInteger(value) ? { value, end: position + 1 } : undefined;
    factor *= 128;
  }
  return undefined;
}
