import { createHash, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FifoWriter } from "./fifo-writer.ts";
import { createFolder, createPipe, shell } from "./testing.ts";

const never = new AbortController().signal;

test("the writer waits for its reader, and every byte arrives", async () => {
  await using pipe = await createPipe();
  const opening = FifoWriter.open(pipe.path, never);
  await using reader = shell('exec sha256sum < "$1"', pipe.path);
  await using writer = await opening;
  const hash = createHash("sha256");
  for (let index = 0; index < 40; index += 1) {
    const chunk = randomBytes(300_000);
    hash.update(chunk);
    await writer.write(chunk);
  }
  await writer.end();
  expect(await reader.line()).toBe(`${hash.digest("hex")}  -`);
  expect(await reader.exited).toEqual({ code: 0, signal: null });
});

test("waiting for a reader ends when the signal aborts, with its reason", async () => {
  await using pipe = await createPipe();
  const abort = new AbortController();
  const opening = FifoWriter.open(pipe.path, abort.signal);
  abort.abort(new Error("enough"));
  await expect(opening).rejects.toThrow("enough");
});

test("a write fails clearly when the reader is gone, and the writer does not end well then", async () => {
  await using pipe = await createPipe();
  await using reader = shell('exec head -c 1 < "$1"', pipe.path);
  await using writer = await FifoWriter.open(pipe.path, never);
  await writer.write(Buffer.from("x"));
  await reader.exited;
  await expect(writer.write(Buffer.from("y"))).rejects.toMatchObject({
    code: "failed",
    message: `write fifo ${pipe.path}: its reader has closed it`,
  });
  await expect(writer.end()).rejects.toMatchObject({ code: "internal" });
});

test("a write that waits for a stalled reader fails when that reader is killed", async () => {
  await using pipe = await createPipe();
  await using reader = shell('exec 3<"$1"; kill -s STOP $$', pipe.path);
  await using writer = await FifoWriter.open(pipe.path, never);
  const writing = writer.write(Buffer.alloc(4_000_000));
  process.kill(reader.pid, "SIGKILL");
  await expect(writing).rejects.toThrow("its reader has closed it");
});

test("a write that waits ends when the writer is disposed of", async () => {
  await using pipe = await createPipe();
  await using _reader = shell('exec 3<"$1"; read -r go', pipe.path);
  const writer = await FifoWriter.open(pipe.path, never);
  const writing = expect(writer.write(Buffer.alloc(4_000_000))).rejects.toThrow("write fifo");
  await writer[Symbol.asyncDispose]();
  await writing;
});

test("what is no pipe, or not there, is refused at once", async () => {
  await using folder = await createFolder();
  const path = join(folder.path, "file");
  await expect(FifoWriter.open(path, never)).rejects.toThrow(`open fifo ${path}: ENOENT`);
  await writeFile(path, "");
  await expect(FifoWriter.open(path, never)).rejects.toThrow("not a named pipe");
});
