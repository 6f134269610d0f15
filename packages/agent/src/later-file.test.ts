import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { collect } from "@penstock/common";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LaterFile } from "./later-file.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "penstock-later-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const { signal } = new AbortController();

test("a file is read as it is when its tool has ended, not as it was before", async () => {
  const path = join(folder, "dump");
  await writeFile(path, "of yesterday");
  await using file = new LaterFile(path);
  const bytes = collect(file.chunks(signal), 1000);
  await writeFile(path, "of today");
  file.toolEnded();
  expect((await bytes).toString()).toBe("of today");
});

test("a file that its tool has not written is an error", async () => {
  await using file = new LaterFile(join(folder, "dump"));
  file.toolEnded();
  await expect(collect(file.chunks(signal), 1000)).rejects.toMatchObject({ code: "not_found" });
});

test("waiting for the tool ends with the signal", async () => {
  await using file = new LaterFile(join(folder, "dump"));
  const stop = new AbortController();
  const bytes = collect(file.chunks(stop.signal), 1000);
  stop.abort(new Error("stopped"));
  await expect(bytes).rejects.toThrow("stopped");
});
