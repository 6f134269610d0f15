import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { type ByteStream, collect, flow } from "../byte-stream.ts";
import { checking } from "./checking.ts";
import { openFormatCheck } from "./formats.ts";

const never = new AbortController().signal;

async function* chunks(...all: readonly Uint8Array[]): ByteStream {
  yield* all;
}

test("bytes of the right format pass unchanged", async () => {
  const bytes = gzipSync("text");
  using check = openFormatCheck("gzip");
  const passed = flow(never, chunks(bytes.subarray(0, 5), bytes.subarray(5)), checking(check));
  expect((await collect(passed, 1000)).equals(bytes)).toBe(true);
});

test("what is cut has passed when it is found out, but does not end", async () => {
  const cut = gzipSync("text").subarray(0, -1);
  using check = openFormatCheck("gzip");
  let passedBytes = 0;
  const passing = async (): Promise<void> => {
    for await (const chunk of flow(never, chunks(cut), checking(check))) {
      passedBytes += chunk.length;
    }
  };
  await expect(passing()).rejects.toMatchObject({ code: "damaged" });
  expect(passedBytes).toBe(cut.length);
});

test("damage ends the way before the next chunk is asked for", async () => {
  let asked = 0;
  async function* endless(): ByteStream {
    for (;;) {
      asked += 1;
      yield Buffer.from("no gzip data");
    }
  }
  using check = openFormatCheck("gzip");
  const passed = collect(flow(never, endless(), checking(check)), 1_000_000);
  await expect(passed).rejects.toThrow("does not begin with gzip data");
  expect(asked).toBe(1);
});

test("an abort ends a check that is under way", async () => {
  const stop = new AbortController();
  using check = openFormatCheck("gzip");
  const big = gzipSync(Buffer.alloc(50_000_000, "x"));
  const way = flow(stop.signal, chunks(big, big), checking(check))[Symbol.asyncIterator]();
  await way.next();
  const next = way.next();
  stop.abort(new Error("stop now"));
  await expect(next).rejects.toThrow("stop now");
});
