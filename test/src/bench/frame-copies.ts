import { performance } from "node:perf_hooks";
import { crc32 } from "node:zlib";
import {
  deserializeTransfer,
  encodeFrame,
  serializeTransfer,
  withHeadroom,
} from "@penstock/common";
import { TransferMessage } from "@penstock/proto";
import { median } from "./median.ts";
import { textTable } from "./text-table.ts";

const ROUNDS = 7;

/** Larger than a processor's cache, so that every payload comes from memory as in real life. */
const WORKING_SET_BYTES = 64 * 2 ** 20;

const PAYLOAD_SIZES = [256 * 2 ** 10, 2 ** 20];

/** Does one thing to the frame number `index`. */
interface Candidate {
  readonly name: string;
  readonly handle: (index: number) => unknown;
}

/**
 * What it costs to turn a payload into a message for gRPC and back: the generated code, which
 * copies the payload, against our own codec, which does not. What gRPC itself does comes on top of
 * each. The checksum is part of encoding and not of decoding, and shown alone as a measure.
 */
export function benchFrames(): string {
  return PAYLOAD_SIZES.map(benchPayload).join("\n");
}

function benchPayload(payloadBytes: number): string {
  const count = WORKING_SET_BYTES / payloadBytes;
  const candidates = candidatesFor(payloadsOf(payloadBytes, count));
  const times = candidates.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    candidates.forEach((candidate, i) => {
      times[i]?.push(secondsPerFrame(candidate, count));
    });
  }
  const rows = candidates.map(({ name }, i) => row(name, median(times[i] ?? []), payloadBytes));
  return textTable([`frame of ${payloadBytes / 2 ** 10} KiB`, "µs", "MB/s"], rows);
}

function candidatesFor(payloads: readonly Uint8Array[]): Candidate[] {
  const payload = (index: number): Uint8Array => payloads[index] ?? new Uint8Array();
  const plain = payloads.map((each) => Uint8Array.from(each));
  const wires = payloads.map((each, index) => Buffer.from(generatedEncode(index, each)));
  const wire = (index: number): Buffer => wires[index] ?? Buffer.alloc(0);
  return [
    { name: "CRC-32 alone", handle: (i) => crc32(payload(i)) },
    { name: "encode, generated code", handle: (i) => generatedEncode(i, payload(i)) },
    { name: "encode, own codec, payload without headroom", handle: (i) => ownEncode(i, plain[i]) },
    { name: "encode, own codec", handle: (i) => ownEncode(i, payload(i)) },
    { name: "decode, generated code", handle: (i) => TransferMessage.decode(wire(i)) },
    { name: "decode, own codec", handle: (i) => deserializeTransfer(wire(i)) },
  ];
}

/** What ts-proto's service definitions do with a message. */
function generatedEncode(index: number, data: Uint8Array): Buffer {
  const frame = {
    offset: BigInt(index),
    crc32: crc32(data),
    data: Buffer.from(data.buffer, data.byteOffset, data.length),
  };
  const message: TransferMessage = { message: { $case: "frame", value: frame } };
  return Buffer.from(TransferMessage.encode(message).finish());
}

function ownEncode(index: number, data: Uint8Array = new Uint8Array()): Buffer {
  return serializeTransfer(encodeFrame(index, data));
}

/** Chunks with headroom, as the agent reads them. */
function payloadsOf(payloadBytes: number, count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => withHeadroom(Buffer.alloc(payloadBytes, i)));
}

function secondsPerFrame({ handle }: Candidate, count: number): number {
  const start = performance.now();
  for (let index = 0; index < count; index++) handle(index);
  return (performance.now() - start) / 1000 / count;
}

function row(name: string, seconds: number, payloadBytes: number): string[] {
  return [name, (seconds * 1e6).toFixed(0), (payloadBytes / seconds / 1e6).toFixed(0)];
}
