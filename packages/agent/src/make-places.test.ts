import { lstat, mkdir, readdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeFifo } from "./fifo.ts";
import { makeAllFifos, makeParents } from "./make-places.ts";
import { RunJournal } from "./run-journal.ts";
import { createFolder } from "./testing.ts";

test("pipes and the folders above them are made, and removed again by the journal", async () => {
  await using folder = await createFolder();
  await mkdir(join(folder.path, "root"));
  await symlink("root", join(folder.path, "alias"));
  const journal = await RunJournal.open(join(folder.path, "state"), "run");
  const paths = ["set/deep/one", "set/two"].map((name) => join(folder.path, "alias", name));
  await makeParents(journal, paths);
  await makeAllFifos(
    journal,
    paths.map((path) => ({ path, mode: 0o640 })),
  );
  for (const path of paths) expect((await lstat(path)).mode & 0o7777).toBe(0o640);
  expect((await stat(join(folder.path, "root/set"))).mode & 0o777).toBe(0o700);
  await journal.removeMade();
  expect(await readdir(join(folder.path, "root"))).toEqual([]);
});

test("nothing is made if one path is taken, and what is there is never touched", async () => {
  await using folder = await createFolder();
  const journal = await RunJournal.open(join(folder.path, "state"), "run");
  const [free, taken] = [join(folder.path, "free"), join(folder.path, "taken")];
  const foreign = await RunJournal.open(join(folder.path, "state"), "other");
  await makeAllFifos(foreign, [{ path: taken, mode: 0o600 }]);
  for (const paths of [
    [free, taken],
    [free, free],
  ]) {
    const making = makeAllFifos(
      journal,
      paths.map((path) => ({ path, mode: 0o600 })),
    );
    await expect(making).rejects.toMatchObject({ code: "failed" });
  }
  await journal.removeMade();
  expect((await readdir(folder.path)).sort()).toEqual(["state", "taken"]);
});

test("many pipes are made, whatever their names and modes", async () => {
  await using folder = await createFolder();
  const journal = await RunJournal.open(join(folder.path, "state"), "run");
  const odd = ["a b", "it's", "-x", '"'].map((name, index) => ({ name, mode: 0o600 + index }));
  const plain = Array.from({ length: 210 }, (_, index) => ({ name: `s${index}`, mode: 0o660 }));
  const all = [...plain, ...odd].map(({ name, mode }) => ({ path: join(folder.path, name), mode }));
  await makeAllFifos(journal, all);
  for (const { path, mode } of all) {
    const found = await lstat(path);
    expect([path, found.isFIFO(), found.mode & 0o777]).toEqual([path, true, mode]);
  }
  await journal.removeMade();
  expect(await readdir(folder.path)).toEqual(["state"]);
});

test("two streams may need the same folder", async () => {
  await using folder = await createFolder();
  const journals = await Promise.all(
    ["one", "two"].map((run) => RunJournal.open(join(folder.path, "state"), run)),
  );
  const path = join(folder.path, "set", "file");
  await Promise.all(journals.map((journal) => makeParents(journal, [path])));
  await writeFile(path, "");
  for (const journal of journals) await journal.removeMade();
  expect(await readdir(join(folder.path, "set"))).toEqual(["file"]);
});

test("a pipe that may be there is used and left, and is made and removed where it is not", async () => {
  await using folder = await createFolder();
  const journal = await RunJournal.open(join(folder.path, "state"), "run");
  const [there, missing] = [join(folder.path, "there"), join(folder.path, "missing")];
  await makeFifo(there, 0o640);
  const { ino } = await lstat(there);
  await makeAllFifos(
    journal,
    [there, missing].map((path) => ({ path, mode: 0o600, mayExist: true })),
  );
  expect((await lstat(missing)).isFIFO()).toBe(true);
  await journal.removeMade();
  const left = await lstat(there);
  expect([left.ino, left.mode & 0o777]).toEqual([ino, 0o640]);
  expect((await readdir(folder.path)).sort()).toEqual(["state", "there"]);
});

test("what is there instead of such a pipe is no pipe, and is refused", async () => {
  await using folder = await createFolder();
  const journal = await RunJournal.open(join(folder.path, "state"), "run");
  const path = join(folder.path, "file");
  await writeFile(path, "rows");
  const making = makeAllFifos(journal, [{ path, mode: 0o600, mayExist: true }]);
  await expect(making).rejects.toMatchObject({
    code: "failed",
    message: `use fifo ${path}: what is there is not a named pipe`,
  });
});
