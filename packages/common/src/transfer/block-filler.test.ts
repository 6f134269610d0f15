import { describe, expect, onTestFinished, test } from "vitest";
import { BLOCK_BYTES, CHUNK_BYTES, giveBack, HEADROOM_BYTES, hasHeadroom, keep } from "./block.ts";
import { BlockFiller } from "./block-filler.ts";

/** Another filler, so that spare blocks stay while the one that is tested ends. */
function fillerFor(): BlockFiller {
  const filler = new BlockFiller();
  onTestFinished(() => filler[Symbol.dispose]());
  return filler;
}

/** A whole block in chunks, each full of the same byte. */
function fillBlock(filler: BlockFiller, byte: number): Uint8Array[] {
  return Array.from({ length: 4 }, () => {
    filler.room().fill(byte);
    return filler.take(CHUNK_BYTES);
  });
}

const memoryOf = (chunk: Uint8Array | undefined): ArrayBufferLike | undefined => chunk?.buffer;

describe("a filler of blocks", () => {
  test("gives chunks of one block after another, each with headroom of its own", () => {
    const filler = fillerFor();
    const first = fillBlock(filler, 1);
    const second = fillBlock(filler, 2);
    expect(new Set(first.map(memoryOf)).size).toBe(1);
    expect(memoryOf(second[0])).not.toBe(memoryOf(first[0]));
    expect(memoryOf(first[0])?.byteLength).toBe(BLOCK_BYTES);
    expect([...first, ...second].every(hasHeadroom)).toBe(true);
    expect(first.every((chunk) => chunk.every((byte) => byte === 1))).toBe(true);
  });

  test("fills a block again when all its chunks are back, and not before", () => {
    const filler = fillerFor();
    const [kept, ...others] = fillBlock(filler, 1);
    for (const chunk of others) giveBack(chunk);
    const second = fillBlock(filler, 2);
    expect(memoryOf(second[0])).not.toBe(memoryOf(kept));
    expect(kept?.every((byte) => byte === 1)).toBe(true);
    giveBack(kept as Uint8Array);
    expect(memoryOf(fillBlock(filler, 3)[0])).toBe(memoryOf(kept));
  });

  test("does not fill the block again that it still fills", () => {
    const filler = fillerFor();
    giveBack(filler.copy(Buffer.from("a")));
    const chunk = filler.copy(Buffer.from("b"));
    expect(chunk.byteOffset).toBe(HEADROOM_BYTES + 1 + HEADROOM_BYTES);
    expect(Buffer.from(chunk).toString()).toBe("b");
  });

  test("a chunk that is given back twice counts once", () => {
    const filler = fillerFor();
    const [first, second, third, fourth] = fillBlock(filler, 1);
    for (const chunk of [first, first, second, second, third]) giveBack(chunk as Uint8Array);
    expect(memoryOf(fillBlock(filler, 2)[0])).not.toBe(memoryOf(fourth));
    expect(fourth?.every((byte) => byte === 1)).toBe(true);
  });

  test("a part of a chunk gives nothing back", () => {
    const filler = fillerFor();
    const chunks = fillBlock(filler, 1);
    for (const chunk of chunks) giveBack(chunk.subarray(0));
    expect(memoryOf(fillBlock(filler, 2)[0])).not.toBe(memoryOf(chunks[0]));
    expect(chunks.every(hasHeadroom)).toBe(true);
  });

  test("a chunk that is kept stays what it is, whoever gives it back", () => {
    const filler = fillerFor();
    const chunks = fillBlock(filler, 1);
    const kept = keep(chunks[0] as Uint8Array);
    const keptToo = keep(chunks[0] as Uint8Array);
    for (const chunk of chunks) giveBack(chunk);
    kept[Symbol.dispose]();
    kept[Symbol.dispose]();
    expect(memoryOf(fillBlock(filler, 2)[0])).not.toBe(memoryOf(chunks[0]));
    keptToo[Symbol.dispose]();
    expect(memoryOf(fillBlock(filler, 3)[0])).toBe(memoryOf(chunks[0]));
  });

  test("leaves its block to others when it ends", () => {
    const ended = new BlockFiller();
    const other = fillerFor();
    const chunk = ended.copy(Buffer.from("a"));
    ended[Symbol.dispose]();
    ended[Symbol.dispose]();
    expect(memoryOf(fillBlock(other, 1)[0])).not.toBe(memoryOf(chunk));
    giveBack(chunk);
    expect(memoryOf(fillBlock(other, 2)[0])).toBe(memoryOf(chunk));
  });

  test("with the last filler the spare blocks go", () => {
    const first = new BlockFiller();
    const memory = memoryOf(first.copy(Buffer.from("a")));
    const chunks = fillBlock(first, 1);
    for (const chunk of chunks) giveBack(chunk);
    first[Symbol.dispose]();
    const next = fillerFor();
    const memories = [...fillBlock(next, 2), ...fillBlock(next, 3)].map(memoryOf);
    expect(memories).not.toContain(memory);
    expect(memories).not.toContain(memoryOf(chunks[0]));
  });

  test("copies what has no headroom, at most a chunk", () => {
    const filler = fillerFor();
    const bytes = Buffer.alloc(CHUNK_BYTES, 5);
    const copy = filler.copy(bytes);
    expect(hasHeadroom(copy) && !hasHeadroom(bytes)).toBe(true);
    expect(Buffer.compare(copy, bytes)).toBe(0);
    expect(() => filler.copy(Buffer.alloc(CHUNK_BYTES + 1))).toThrow("a chunk of 262145 bytes");
  });

  test("gives no room when it has ended", () => {
    const filler = new BlockFiller();
    filler[Symbol.dispose]();
    expect(() => filler.room()).toThrow("let go");
  });
});
