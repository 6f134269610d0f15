import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteReader } from "./byte-reader.ts";

async function* toChunks(pieces: readonly Uint8Array[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) if (piece.length > 0) yield Buffer.from(piece);
}

test("whatever the pieces, a line and the bytes behind it come out", async () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 8 }), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(pieces, pieces, async (before, behind) => {
      const first = before.map((piece) => piece.filter((byte) => byte !== 0x0a && byte < 0x80));
      const reader = new ByteReader(toChunks([...first, Buffer.from("\n"), ...behind]));
      expect(await reader.line(1000)).toBe(Buffer.concat(first).toString());
      const rest = Buffer.concat(behind);
      expect((await reader.exactly(rest.length))?.equals(rest)).toBe(true);
      expect(await reader.filled()).toBe(false);
      expect(await reader.exactly(1)).toBeUndefined();
    }),
  );
});

test("a line that is longer than the limit, or has no end, is none", async () => {
  const reader = (text: string): ByteReader => new ByteReader(toChunks([Buffer.from(text)]));
  expect(await reader("four\n").line(4)).toBe("four");
  expect(await reader("fives\n").line(4)).toBeUndefined();
  expect(await reader("four").line(4)).toBeUndefined();
});

test("a connection that breaks has ended", async () => {
  const reader = new ByteReader(
    (async function* () {
      yield Buffer.from("row");
      throw new Error("reset");
    })(),
  );
  expect(await reader.exactly(4)).toBeUndefined();
  expect(await reader.filled()).toBe(false);
});
