import { crc32 } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { combineCrc32 } from "./crc-combine.ts";

test("the combined checksum is the checksum of the joined pieces", () => {
  const bytes = fc.uint8Array({ maxLength: 3_000 });
  fc.assert(
    fc.property(bytes, bytes, (first, second) => {
      const joined = crc32(Buffer.concat([first, second]));
      expect(combineCrc32(crc32(first), crc32(second), second.length)).toBe(joined);
    }),
  );
});

test("pieces of many different lengths combine in any number", () => {
  let combined = 0;
  const all: Buffer[] = [];
  for (let length = 1; length < 1_000; length += 3) {
    const piece = Buffer.alloc(length, length);
    combined = combineCrc32(combined, crc32(piece), length);
    all.push(piece);
  }
  expect(combined).toBe(crc32(Buffer.concat(all)));
});
