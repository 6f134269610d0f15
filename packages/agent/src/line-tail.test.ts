import fc from "fast-check";
import { expect, test } from "vitest";
import { LineTail } from "./line-tail.ts";

function linesOf(chunks: readonly Uint8Array[]): { lines: string[]; text: string } {
  const lines: string[] = [];
  const tail = new LineTail((line) => lines.push(line));
  for (const chunk of chunks) tail.push(chunk);
  tail.end();
  return { lines, text: tail.text };
}

test("lines are the same however the bytes are cut", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "é", "漢", "\n", "\r", "\t"),
    maxLength: 60,
  });
  fc.assert(
    fc.property(text, (value) => {
      const bytes = Buffer.from(value);
      const oneByOne = [...bytes].map((byte) => Uint8Array.of(byte));
      expect(linesOf(oneByOne)).toEqual(linesOf([bytes]));
    }),
  );
});

test("empty lines are left out and the last line needs no end", () => {
  expect(linesOf([Buffer.from("one\r\n\n50%\r100%")]).lines).toEqual(["one", "50%", "100%"]);
});

test("bytes that are not text, and control characters, do no harm", () => {
  const bytes = Buffer.from([0x61, 0xff, 0x1b, 0x5b, 0x00, 0x09, 0x62, 0xc3]);
  expect(linesOf([bytes]).text).toBe("a\u{FFFD}\u{FFFD}[\u{FFFD} b\u{FFFD}");
});

test("at most fifty lines are kept", () => {
  const bytes = Buffer.from(Array.from({ length: 60 }, (_, index) => `${index}\n`).join(""));
  const { lines, text } = linesOf([bytes]);
  expect(lines).toHaveLength(60);
  expect(text.split("\n")).toEqual(lines.slice(-50));
});

test("at most 8 KiB are kept, also of a line without end", () => {
  const { lines, text } = linesOf([Buffer.from("漢".repeat(100_000))]);
  expect(Math.max(...lines.map((line) => line.length))).toBe(2000);
  expect(lines.join("")).toHaveLength(100_000);
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(8 * 1024);
  expect(Buffer.byteLength(text)).toBeGreaterThan(0);
});

test("more is kept where more is asked for, and no line is cut off in its middle", () => {
  const tail = new LineTail(() => {}, { bytes: 100_000, lines: Number.POSITIVE_INFINITY });
  const lines = Array.from({ length: 200_000 }, (_, index) => `${index}`);
  tail.push(Buffer.from(lines.join("\n")));
  tail.end();
  const kept = tail.text.split("\n");
  expect(kept).toEqual(lines.slice(-kept.length));
  expect(Buffer.byteLength(tail.text)).toBeLessThanOrEqual(100_000);
  expect(Buffer.byteLength(tail.text)).toBeGreaterThan(99_900);
});
