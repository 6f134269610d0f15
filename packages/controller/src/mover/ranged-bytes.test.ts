import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { crc32, zstdCompressSync } from "node:zlib";
import { type CodecName, collect, PART_BYTES, type Receipt } from "@penstock/common";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ByteRange, Target } from "../targets/target.ts";
import { openTarget } from "../targets/targets.ts";
import { createTemporaryDirectory } from "../targets/test-support.ts";
import type { RawRange } from "./jobs.ts";
import { rangedBytes } from "./ranged-bytes.ts";
import { StreamWriter } from "./stream-writer.ts";

const NEVER = new AbortController().signal;
const MIB = 1024 * 1024;
/** Two objects, each of a whole part and a shorter one. */
const RAW = randomBytes(2 * PART_BYTES + 5 * MIB);
const SEGMENT_BYTES = PART_BYTES + MIB;

const kept = new AsyncDisposableStack();
let target: Target;
const receipts = new Map<CodecName, Receipt>();
beforeAll(async () => {
  const folder = kept.use(await createTemporaryDirectory());
  const url = pathToFileURL(join(folder.path, "root")).href;
  target = kept.use(await openTarget({ url }, NEVER));
  receipts.set("none", await store("plain", "none", RAW));
  receipts.set("zstd", await store("packed", "zstd", zstdCompressSync(RAW)));
});
afterAll(() => kept.disposeAsync());

async function store(name: string, codec: CodecName, stored: Buffer): Promise<Receipt> {
  const place = { key: `w/1/streams/${name}`, scope: "w.1", segmentBytes: SEGMENT_BYTES };
  const writer = kept.use(new StreamWriter(place, { onDurable() {}, onFailed() {} }));
  await writer.open([target], NEVER);
  for (let offset = 0; offset < stored.length; offset += MIB) {
    const data = stored.subarray(offset, offset + MIB);
    await writer.write({ offset, data, crc32: crc32(data) }, NEVER);
  }
  await writer.finish();
  const objects = await writer.publish(NEVER);
  return { name, host: "sdw1", codec, bytesRaw: RAW.length, objects } as unknown as Receipt;
}

/** The target, with a note of all that is read of it beside the lists of parts. */
function noting(read: number[]): Target {
  return new Proxy(target, {
    get(real, name) {
      if (name !== "read") {
        const value: unknown = Reflect.get(real, name);
        return typeof value === "function" ? value.bind(real) : value;
      }
      return (key: string, range: ByteRange | undefined, signal: AbortSignal) => {
        if (!key.endsWith(".parts")) read.push(range?.length ?? Number.POSITIVE_INFINITY);
        return real.read(key, range, signal);
      };
    },
  });
}

const RANGES: readonly (readonly RawRange[])[] = [
  [{ start: 0, end: 1 }],
  [
    { start: 10, end: 20 },
    { start: 20, end: 30 },
    { start: 100, end: 100 },
  ],
  [{ start: PART_BYTES - 5, end: PART_BYTES + 5 }],
  [
    { start: SEGMENT_BYTES - 5, end: SEGMENT_BYTES + 5 },
    { start: RAW.length - 7, end: RAW.length },
  ],
  [
    { start: 500, end: 600 },
    { start: 100, end: 200 },
    { start: 150, end: 250 },
  ],
  [{ start: 0, end: RAW.length }],
];

test.for(
  (["none", "zstd"] as const).flatMap((codec) => RANGES.map((ranges) => [codec, ranges] as const)),
)("with codec %s the ranges %j are what was stored there", async ([codec, ranges]) => {
  const receipt = receipts.get(codec) as Receipt;
  const bytes = await collect(rangedBytes(target, receipt, ranges, NEVER), 2 * RAW.length);
  const expected = Buffer.concat(ranges.map(({ start, end }) => RAW.subarray(start, end)));
  expect(bytes.equals(expected)).toBe(true);
});

test("without a codec only the parts are read that a range lies in", async () => {
  const read: number[] = [];
  const ranges = [
    { start: 5, end: 6 },
    { start: SEGMENT_BYTES + 1, end: SEGMENT_BYTES + 2 },
  ];
  const receipt = receipts.get("none") as Receipt;
  await collect(rangedBytes(noting(read), receipt, ranges, NEVER), 10);
  expect(read).toEqual([PART_BYTES, PART_BYTES]);
});

test("a part that is damaged is not handed on, and another one is", async () => {
  const [object] = (receipts.get("none") as Receipt).objects;
  const damaging = new Proxy(target, {
    get: (real, name) =>
      name === "read"
        ? async function* (key: string, range: ByteRange | undefined, signal: AbortSignal) {
            for await (const chunk of real.read(key, range, signal)) {
              if (key === object?.key && range?.offset === 0) chunk[0] = (chunk[0] ?? 0) ^ 1;
              yield chunk;
            }
          }
        : Reflect.get(real, name),
  });
  const receipt = receipts.get("none") as Receipt;
  const read = (start: number): Promise<Buffer> =>
    collect(rangedBytes(damaging, receipt, [{ start, end: start + 1 }], NEVER), 1);
  await expect(read(PART_BYTES - 1)).rejects.toMatchObject({ code: "damaged" });
  expect(await read(PART_BYTES)).toEqual(RAW.subarray(PART_BYTES, PART_BYTES + 1));
});

test.for([
  { start: 0, end: RAW.length + 1 },
  { start: 5, end: 4 },
])("a range that is not in the stream is refused: %j", (range) => {
  const receipt = receipts.get("none") as Receipt;
  expect(() => rangedBytes(target, receipt, [range], NEVER)).toThrow(
    /has \d+ bytes, and none from/,
  );
});
