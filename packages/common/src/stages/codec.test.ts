import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type ByteStream, collect, flow, type Stage } from "../byte-stream.ts";
import type { CodecName } from "../manifest.ts";
import { codecSuffix, compress, decompress } from "./codec.ts";

const never = new AbortController().signal;
const LIMIT = 64 * 1024 * 1024;

async function* inChunks(bytes: Uint8Array, size: number): ByteStream {
  for (let offset = 0; offset < bytes.length; offset += size) {
    yield bytes.subarray(offset, offset + size);
  }
}

function through(bytes: Uint8Array, size: number, stages: readonly Stage[]): Promise<Buffer> {
  return collect(flow(never, inChunks(bytes, size), ...stages), LIMIT);
}

test.each<CodecName>(["none", "gzip", "zstd"])(
  "%s: what is compressed comes back, however it is cut into chunks",
  async (codec) => {
    const bytes = fc.uint8Array({ maxLength: 5_000 });
    const sizes = fc.integer({ min: 1, max: 6_000 });
    await fc.assert(
      fc.asyncProperty(bytes, sizes, sizes, async (input, there, back) => {
        const stored = await through(input, there, compress(codec));
        const raw = await through(stored, back, decompress(codec));
        expect(raw.equals(Buffer.from(input))).toBe(true);
      }),
      { numRuns: 30 },
    );
  },
);

test("the stored bytes are what the standard tools read and write", async () => {
  const input = Buffer.from("a row of a table\n".repeat(100_000));
  expect(gunzipSync(await through(input, 4096, compress("gzip"))).equals(input)).toBe(true);
  expect(zstdDecompressSync(await through(input, 4096, compress("zstd"))).equals(input)).toBe(true);
  expect((await through(gzipSync(input), 999, decompress("gzip"))).equals(input)).toBe(true);
  expect((await through(zstdCompressSync(input), 999, decompress("zstd"))).equals(input)).toBe(
    true,
  );
});

test.each<CodecName>(["gzip", "zstd"])("%s: garbled input throws", async (codec) => {
  await expect(through(Buffer.from("not it"), 100, decompress(codec))).rejects.toThrow();
});

test("cut input throws, or ends early: it never gives other bytes", async () => {
  const gzipped = await through(Buffer.alloc(100_000, "x"), 4096, compress("gzip"));
  await expect(through(gzipped.subarray(0, -3), 100, decompress("gzip"))).rejects.toThrow();
  const zstd = await through(Buffer.alloc(100_000, "x"), 4096, compress("zstd"));
  for (const cut of [1, 4, 10]) {
    const raw = await through(zstd.subarray(0, -cut), 100, decompress("zstd"));
    expect(raw.equals(Buffer.alloc(raw.length, "x"))).toBe(true);
  }
});

test("a failing source ends a codec with its own error, not with an end", async () => {
  async function* failing(): ByteStream {
    yield Buffer.alloc(1_000_000, 1);
    throw new Error("the tool died");
  }
  const stored = flow(never, failing(), ...compress("zstd"));
  await expect(collect(stored, LIMIT)).rejects.toThrow("the tool died");
});

test("an abort ends a codec whose source is stuck", async () => {
  const stop = new AbortController();
  async function* stuck(): ByteStream {
    yield Buffer.from("x");
    await new Promise(() => {});
  }
  const collected = collect(flow(stop.signal, stuck(), ...compress("gzip")), LIMIT);
  stop.abort(new Error("stop now"));
  await expect(collected).rejects.toThrow("stop now");
});

test("a consumer that leaves early leaves no transform behind", async () => {
  async function* endless(): ByteStream {
    for (;;) yield Buffer.from("some bytes that compress quite well, again and again");
  }
  for await (const chunk of flow(never, endless(), ...compress("gzip"))) {
    expect(chunk.length).toBeGreaterThan(0);
    break;
  }
});

test("a codec has the suffix that people expect", () => {
  expect(["none", "gzip", "zstd"].map((codec) => codecSuffix(codec as CodecName))).toEqual([
    "",
    ".gz",
    ".zst",
  ]);
});
