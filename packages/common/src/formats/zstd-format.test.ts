import { execFileSync } from "node:child_process";
import { constants as zlib, zstdCompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { ZstdFormat } from "./zstd-format.ts";

const TEXT = Buffer.from("1\tthe same row again\n".repeat(20_000));
/** Not to be compressed, of several blocks; the same each time. */
const NOISE = Uint8Array.from(
  { length: 300_000 },
  (_, place) => (place * place * 2_654_435_761) >>> 13,
);

/** "whole", or why not. */
function verdict(bytes: Uint8Array, chunkBytes = 4096): string {
  using check = new ZstdFormat();
  try {
    for (let begin = 0; begin < bytes.length; begin += chunkBytes) {
      check.push(bytes.subarray(begin, begin + chunkBytes));
    }
    check.end();
    return "whole";
  } catch (error) {
    return (error as Error).message;
  }
}

/** What the program makes of it; `undefined` if it is not installed. */
function byProgram(program: "zstd" | "pzstd", args: string[], input: Uint8Array): Buffer[] {
  try {
    return [
      execFileSync(program, [...args, "-q", "-c"], { input, stdio: ["pipe", "pipe", "ignore"] }),
    ];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

const { ZSTD_c_checksumFlag, ZSTD_c_contentSizeFlag } = zlib;
const COMPRESSED: readonly (readonly [string, Buffer])[] = [
  ["text", zstdCompressSync(TEXT)],
  ["blocks that are stored as they are", zstdCompressSync(NOISE)],
  ["blocks of one byte again and again", zstdCompressSync(Buffer.alloc(1_000_000))],
  ["nothing", zstdCompressSync("")],
  ["a checksum", zstdCompressSync(TEXT, { params: { [ZSTD_c_checksumFlag]: 1 } })],
  ["no size in its header", zstdCompressSync(TEXT, { params: { [ZSTD_c_contentSizeFlag]: 0 } })],
  ...byProgram("zstd", ["-19"], TEXT).map((bytes) => ["zstd -19", bytes] as const),
  ...byProgram("zstd", ["--no-check"], NOISE).map((bytes) => ["zstd --no-check", bytes] as const),
  ...byProgram("zstd", ["--rsyncable", "-T2"], NOISE).map((bytes) => ["zstd -T2", bytes] as const),
  ...byProgram("zstd", [], Buffer.alloc(0)).map((bytes) => ["zstd of nothing", bytes] as const),
  ...byProgram("pzstd", ["-p", "2"], TEXT).map((bytes) => ["pzstd", bytes] as const),
];

test.each(COMPRESSED)("%s: whole in chunks of any size", (_, bytes) => {
  for (const size of [1, 2, 3, 5, 1000, bytes.length])
    expect([size, verdict(bytes, size)]).toEqual([size, "whole"]);
});

test.each(COMPRESSED)("%s: cut anywhere it is not", (_, bytes) => {
  // Of large ones not each byte: all at both ends, and some between.
  const step = Math.max(1, Math.floor(bytes.length / 500));
  const cuts = Array.from({ length: bytes.length }, (__, cut) => cut).filter(
    (cut) => cut < 600 || cut > bytes.length - 600 || cut % step === 0,
  );
  for (const cut of cuts)
    expect([cut, verdict(bytes.subarray(0, cut))]).not.toEqual([cut, "whole"]);
});
