import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FileWriter } from "./file-writer.ts";
import { RunJournal } from "./run-journal.ts";
import { createFolder } from "./testing.ts";

interface Place extends AsyncDisposable {
  readonly folder: string;
  readonly path: string;
  readonly journal: RunJournal;
}

async function createPlace(): Promise<Place> {
  const base = await createFolder();
  const folder = join(base.path, "data");
  await mkdir(folder);
  return {
    folder,
    path: join(folder, "restored"),
    journal: await RunJournal.open(join(base.path, "state"), "run"),
    [Symbol.asyncDispose]: () => base[Symbol.asyncDispose](),
  };
}

async function restore({ path, journal }: Place, ...texts: string[]): Promise<void> {
  await using writer = await FileWriter.create(path, 0o600, journal);
  for (const text of texts) await writer.write(Buffer.from(text));
  await writer.end();
}

test("a restored file appears whole, with its mode, and is the run's to remove", async () => {
  await using place = await createPlace();
  await restore(place, "one ", "two");
  expect(await readdir(place.folder)).toEqual(["restored"]);
  expect(await readFile(place.path, "utf8")).toBe("one two");
  expect((await stat(place.path)).mode & 0o777).toBe(0o600);
  await place.journal.removeMade();
  expect(await readdir(place.folder)).toEqual([]);
});

test("before its end nothing is at the path, and giving up leaves nothing", async () => {
  await using place = await createPlace();
  {
    await using writer = await FileWriter.create(place.path, 0o600, place.journal);
    await writer.write(Buffer.from("half"));
    expect(await readdir(place.folder)).not.toContain("restored");
  }
  expect(await readdir(place.folder)).toEqual([]);
});

test("a killed agent's half-written file is removed by its journal", async () => {
  await using place = await createPlace();
  await using writer = await FileWriter.create(place.path, 0o600, place.journal);
  await writer.write(Buffer.from("half"));
  await place.journal.removeMade();
  expect(await readdir(place.folder)).toEqual([]);
});

test("the very same file that is already there stays, and is not the run's to remove", async () => {
  await using place = await createPlace();
  await writeFile(place.path, "same");
  const { ino } = await stat(place.path);
  await restore(place, "same");
  expect((await stat(place.path)).ino).toBe(ino);
  await place.journal.removeMade();
  expect(await readFile(place.path, "utf8")).toBe("same");
});

test("a different file that is already there is an error, and stays", async () => {
  await using place = await createPlace();
  await writeFile(place.path, "mine");
  await expect(restore(place, "other")).rejects.toMatchObject({
    code: "failed",
    message: `write file ${place.path}: a different file is already there`,
  });
  await place.journal.removeMade();
  expect(await readdir(place.folder)).toEqual(["restored"]);
  expect(await readFile(place.path, "utf8")).toBe("mine");
});

test("a folder at the path is an error, and so is a missing folder above it", async () => {
  await using place = await createPlace();
  await mkdir(place.path);
  await expect(restore(place, "x")).rejects.toThrow("not a regular file");
  const path = join(place.folder, "missing", "file");
  await expect(FileWriter.create(path, 0o600, place.journal)).rejects.toThrow("ENOENT");
});
