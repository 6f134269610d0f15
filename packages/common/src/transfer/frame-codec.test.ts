import { TransferMessage } from "@penstock/proto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Block } from "./block.ts";
import {
  checkFrame,
  deserializeTransfer,
  encodeFrame,
  frameFrom,
  MAX_FRAME_BYTES,
  serializeTransfer,
} from "./frame-codec.ts";

const offsets = fc.oneof(fc.nat(), fc.maxSafeNat());
const payloads = fc.uint8Array({ minLength: 1, maxLength: 5_000 });

test("an encoded frame is what the protocol's own decoder reads", () => {
  fc.assert(
    fc.property(offsets, payloads, (offset, payload) => {
      const { wire } = encodeFrame(offset, payload);
      const { message } = TransferMessage.decode(wire);
      expect(message?.$case).toBe("frame");
      if (message?.$case !== "frame") return;
      expect(message.value.offset).toBe(BigInt(offset));
      expect(Buffer.compare(message.value.data, payload)).toBe(0);
    }),
  );
});

test("what the protocol's own encoder writes is read like our own frames", () => {
  fc.assert(
    fc.property(offsets, payloads, fc.nat(0xffff_ffff), (offset, payload, crc32) => {
      const value = { offset: BigInt(offset), crc32, data: Buffer.from(payload) };
      const message = { message: { $case: "frame" as const, value } };
      const bytes = Buffer.from(TransferMessage.encode(message).finish());
      expect(deserializeTransfer(bytes)).toEqual(message);
    }),
  );
});

test("a payload with headroom is not copied", () => {
  const block = new Block(4096);
  block.free.fill(7);
  const chunk = block.take(100);
  const { wire, data } = encodeFrame(12, chunk);
  expect(wire.buffer).toBe(chunk.buffer);
  expect(data).toBe(chunk);
  const again = serializeTransfer({ offset: 12, data, wire });
  expect(again.buffer).toBe(chunk.buffer);
});

test("neighbouring chunks of one block keep their bytes when each is encoded", () => {
  const block = new Block(4096);
  block.free.fill(1, 0, 50);
  const first = block.take(50);
  block.free.fill(2, 0, 50);
  const second = block.take(50);
  encodeFrame(2 ** 52, second);
  encodeFrame(0, first);
  expect([...new Set(first)]).toEqual([1]);
  expect([...new Set(second)]).toEqual([2]);
});

test("the rest of a frame from an offset inside it is a frame of its own", () => {
  const frame = encodeFrame(100, Buffer.from("abcdef"));
  const rest = frameFrom(frame, 104);
  expect(rest.offset).toBe(104);
  expect(Buffer.from(rest.data).toString()).toBe("ef");
  expect(frameFrom(frame, 100)).toBe(frame);
});

test("a flipped bit, a gap and an empty or oversized frame are refused with the byte range", () => {
  const frame = { offset: 10n, crc32: 0, data: Buffer.from("x") };
  expect(() => checkFrame(frame, 10)).toThrow("bytes 10 to 11 were changed on the way");
  expect(() => checkFrame(frame, 9)).toThrow("bytes 10 to 11 arrived where byte 9 was due");
  expect(() => checkFrame({ ...frame, data: Buffer.alloc(0) }, 10)).toThrow("length of 0");
  const large = Buffer.alloc(MAX_FRAME_BYTES + 1);
  expect(() => checkFrame({ ...frame, data: large }, 10)).toThrow("length of 1048577");
});

test("random bytes never decode to anything but a message or an error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        expect(deserializeTransfer(Buffer.from(bytes))).toHaveProperty("message");
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }),
  );
});
