import { randomBytes } from "node:crypto";
import { gzipSync, constants as zlib, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { FormatCheck } from "./format-check.ts";
import { FORMAT_NAMES, type FormatName, isFormatName, openFormatCheck } from "./formats.ts";

const TEXT = "--\n-- Greenplum Database database dump\n--\n\nCOPY t FROM stdin;\n1\tone\n\\.\n\n";
const COMMENT = "--\n-- Greenplum Database database dump complete\n--\n\n";
const DUMP = Buffer.from(TEXT + COMMENT);
const TAR = Buffer.concat([Buffer.alloc(1024, "x"), Buffer.alloc(1024)]);

/** Two frames, one with a checksum, and what pzstd writes before each. */
const ZSTD = [
  skippable(4),
  zstdCompressSync("one"),
  skippable(0),
  zstdCompressSync(randomBytes(300), { params: { [zlib.ZSTD_c_checksumFlag]: 1 } }),
];

const WHOLE: Readonly<Record<FormatName, Buffer>> = {
  gzip: Buffer.concat([gzipSync("one"), gzipSync(""), gzipSync(randomBytes(300))]),
  zstd: Buffer.concat(ZSTD),
  "zstd or nothing": Buffer.concat(ZSTD),
  gpdump: DUMP,
  "gpdump.gz": Buffer.concat([
    gzipSync(DUMP.subarray(0, 60)),
    gzipSync(DUMP.subarray(60, -20)),
    gzipSync(DUMP.subarray(-20)),
  ]),
  tar: TAR,
};
/** A zstd frame that holds no data. */
function skippable(sizeBytes: number): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(sizeBytes);
  return Buffer.concat([Buffer.of(0x5f, 0x2a, 0x4d, 0x18), size, Buffer.alloc(sizeBytes, "x")]);
}
const NAMES = FORMAT_NAMES.filter(isFormatName);

async function check(name: FormatName, chunks: Iterable<Uint8Array>): Promise<void> {
  using opened: FormatCheck = openFormatCheck(name);
  for (const chunk of chunks) await opened.push(chunk);
  await opened.end();
}

function inChunks(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let begin = 0, turn = 0; begin < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    chunks.push(bytes.subarray(begin, begin + size));
    begin += size;
  }
  return chunks;
}

/** What comes of it: "whole", or the message of `damaged`. */
async function verdict(name: FormatName, chunks: Iterable<Uint8Array>): Promise<string> {
  const outcome = check(name, chunks).then(
    () => "whole",
    (error: { code: string; message: string }) => {
      if (error.code === "damaged") return error.message;
      throw error;
    },
  );
  return await outcome;
}

test.each(NAMES)("%s: what is whole passes, however it is cut into chunks", async (name) => {
  const sizes = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(sizes, async (cuts) => {
      expect(await verdict(name, inChunks(WHOLE[name], cuts))).toBe("whole");
    }),
    { numRuns: 40 },
  );
});

test.each(NAMES)("%s: two chunks, cut at every byte, and an empty one between", async (name) => {
  const bytes = WHOLE[name];
  for (let cut = 0; cut <= bytes.length; cut++) {
    const chunks = [bytes.subarray(0, cut), Buffer.alloc(0), bytes.subarray(cut)];
    expect([cut, await verdict(name, chunks)]).toEqual([cut, "whole"]);
  }
});

/** A stream that was cut between two members or frames cannot be told from a whole one. */
const BETWEEN: Partial<Record<FormatName, readonly number[]>> = {
  gzip: [gzipSync("one").length, gzipSync("one").length + gzipSync("").length],
  zstd: [2, 3].map((count) => Buffer.concat(ZSTD.slice(0, count)).length),
  "zstd or nothing": [0, 2, 3].map((count) => Buffer.concat(ZSTD.slice(0, count)).length),
};

test.each(NAMES)("%s: what was cut is damaged, wherever", async (name) => {
  const bytes = WHOLE[name];
  for (let cut = 0; cut < bytes.length; cut++) {
    const expected = BETWEEN[name]?.includes(cut) === true ? "whole" : "damaged";
    const said = await verdict(name, [bytes.subarray(0, cut)]);
    expect([cut, said === "whole" ? said : "damaged"]).toEqual([cut, expected]);
  }
});

test.each(NAMES)(
  "%s: something behind the end is damage, in the same chunk or not",
  async (name) => {
    for (const behind of ["x", "\0", "\n", "\x1f", "\x1f\x8b", "xyz\n", "\0".repeat(300)]) {
      for (const size of [1, 7, 1_000_000]) {
        const bytes = Buffer.concat([WHOLE[name], Buffer.from(behind, "latin1")]);
        expect([behind, size, await verdict(name, inChunks(bytes, [size]))]).not.toContain("whole");
      }
    }
  },
);

test("a member behind zeros is not passed over", async () => {
  const bytes = [gzipSync("one"), Buffer.alloc(20), gzipSync("two")];
  expect(await verdict("gzip", bytes)).toBe("has something else behind its gzip data");
  expect(await verdict("gzip", [Buffer.concat(bytes)])).toBe(
    "has something else behind its gzip data",
  );
});

test.each(NAMES)("%s: a flipped bit is damage, if the format can tell", async (name) => {
  if (!name.endsWith("gz") && name !== "gzip") return;
  const whole = name === "gzip" ? gzipSync(randomBytes(100)) : gzipSync(DUMP);
  // The header's time and its notes about compressor and system may be anything.
  for (let place = 10; place < whole.length; place++) {
    const bytes = Buffer.from(whole);
    bytes[place] = (bytes[place] ?? 0) ^ 1;
    expect([place, await verdict(name, [bytes])]).not.toContain("whole");
  }
});

test("what is missing is said", async () => {
  const noComment =
    'ends without the comment "Greenplum Database database dump complete": its dump agent has not finished';
  const cases: [FormatName, string | Buffer, string][] = [
    ["gzip", "", "is empty: gzip data is missing"],
    ["gpdump", "", noComment],
    ["gpdump.gz", "", "is empty: gzip data is missing"],
    ["zstd", "", "is empty: zstd data is missing"],
    ["tar", "", "ends without the two zero blocks that close a tar archive"],
    ["gzip", "plain text", "does not begin with gzip data"],
    ["gzip", gzipSync("one").subarray(0, -1), "ends in the middle of its gzip data"],
    ["gzip", gzipSync("one").subarray(0, 1), "ends in the middle of its gzip data"],
    ["gzip", flipped(gzipSync("one")), "has damaged gzip data: incorrect data check"],
    ["zstd", "plain text", "does not begin with zstd data"],
    ["zstd", ZSTD[1]?.subarray(0, -1) ?? "", "ends in the middle of its zstd data"],
    ["zstd", skippable(4), "ends in the middle of its zstd data"],
    ["zstd", `${ZSTD[1]?.toString("latin1")}(x`, "has something else behind its zstd data"],
    ["zstd", frame(0x08), "has damaged zstd data: a reserved bit is set"],
    ["zstd", frame(0x00, 0, 7, 0, 0), "has damaged zstd data: a block of no known type"],
    ["zstd", frame(0x00, 0, 5, 0, 0xff), "has damaged zstd data: a block is too large"],
    ["gpdump", TEXT, noComment],
    ["gpdump", `${TEXT}${COMMENT}SELECT 1;\n`, noComment],
    ["gpdump.gz", gzipSync(TEXT), noComment],
    ["gpdump.gz", gzipSync(DUMP).subarray(0, -1), "ends in the middle of its gzip data"],
    ["tar", TAR.subarray(0, -512), "ends without the two zero blocks that close a tar archive"],
    ["tar", Buffer.alloc(1100), "ends without the two zero blocks that close a tar archive"],
  ];
  for (const [name, bytes, message] of cases) {
    const whole = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
    expect([name, await verdict(name, [whole])]).toEqual([name, message]);
  }
});

/** Begins as a zstd frame does. */
function frame(...bytes: number[]): Buffer {
  return Buffer.of(0x28, 0xb5, 0x2f, 0xfd, ...bytes);
}

/** With another checksum in its trailer. */
function flipped(member: Buffer): Buffer {
  const bytes = Buffer.from(member);
  bytes[bytes.length - 8] = (bytes.at(-8) ?? 0) ^ 1;
  return bytes;
}

test("text that inflates to much more than a chunk is checked in pieces", async () => {
  const rows = Buffer.from("1\tthe same row again\n".repeat(2_000_000));
  const chunks = inChunks(gzipSync(Buffer.concat([rows, DUMP])), [1000]);
  expect(await verdict("gpdump.gz", chunks)).toBe("whole");
  expect(await verdict("gpdump.gz", [gzipSync(rows)])).toContain("ends without the comment");
});

test("a check that is given up in the middle of a chunk leaves nothing behind", async () => {
  const opened = openFormatCheck("gpdump.gz");
  const bytes = gzipSync(Buffer.alloc(50_000_000, "x"));
  const pushed = Promise.resolve(opened.push(bytes));
  opened[Symbol.dispose]();
  await expect(pushed).rejects.toMatchObject({ code: "damaged" });
});

test("only formats have names", () => {
  expect(NAMES).toEqual(["gzip", "zstd", "zstd or nothing", "gpdump", "gpdump.gz", "tar"]);
  expect(isFormatName("toString")).toBe(false);
});
