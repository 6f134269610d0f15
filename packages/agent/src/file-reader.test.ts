import { randomBytes } from "node:crypto";
import { appendFile, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { collect, hasHeadroom } from "@penstock/common";
import { expect, test } from "vitest";
import { FileReader } from "./file-reader.ts";
import { createFolder, createPipe } from "./testing.ts";

const never = new AbortController().signal;

test.each([0, 1, 262_144, 3_000_001])("a file of %i bytes is read whole", async (sizeBytes) => {
  await using folder = await createFolder();
  const path = join(folder.path, "file");
  const bytes = randomBytes(sizeBytes);
  await writeFile(path, bytes);
  await using file = await FileReader.open(path);
  expect(file.sizeBytes).toBe(sizeBytes);
  expect((await collect(file.chunks(never), sizeBytes)).equals(bytes)).toBe(true);
});

test("chunks have room before them, and an abort ends the reading", async () => {
  await using folder = await createFolder();
  const path = join(folder.path, "file");
  await writeFile(path, Buffer.alloc(1_000_000));
  await using file = await FileReader.open(path);
  const abort = new AbortController();
  const reading = (async () => {
    for await (const chunk of file.chunks(abort.signal)) {
      expect(hasHeadroom(chunk)).toBe(true);
      abort.abort();
    }
  })();
  await expect(reading).rejects.toMatchObject({ name: "AbortError" });
});

test.each([
  ["grows", (path: string) => appendFile(path, "more")],
  ["is cut", (path: string) => writeFile(path, "x")],
  ["is written to in place", (path: string) => utimes(path, 1, 2)],
])("a file that %s while it is read is an error", async (_, change) => {
  await using folder = await createFolder();
  const path = join(folder.path, "file");
  await writeFile(path, Buffer.alloc(1_000_000));
  await using file = await FileReader.open(path);
  const reading = (async () => {
    let first = true;
    for await (const _chunk of file.chunks(never)) {
      if (first) await change(path);
      first = false;
    }
  })();
  const message = `file ${path} changed while it was read`;
  await expect(reading).rejects.toMatchObject({ code: "failed", message });
});

test("what is no regular file is refused, and nothing waits for it", async () => {
  await using pipe = await createPipe();
  await expect(FileReader.open(pipe.path)).rejects.toThrow("not a regular file");
  await symlink(pipe.path, `${pipe.path}.link`);
  await expect(FileReader.open(`${pipe.path}.link`)).rejects.toThrow("is a symbolic link");
  await expect(FileReader.open(`${pipe.path}.none`)).rejects.toMatchObject({
    code: "not_found",
    message: `file ${pipe.path}.none is not there`,
  });
});
