import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type KnownRun, listKnown, listRunning, pickRun } from "./find-run.ts";
import { LogFile } from "./log-file.ts";
import { createRunFolder, listRunFolders } from "./run-folder.ts";
import { RunLog } from "./run-log.ts";

const never = new AbortController().signal;

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "penstock-"));
});
afterEach(() => rm(dir, { recursive: true }));

const known = (run: string, set: string, plan: string): KnownRun => ({
  folder: { cluster: "warehouse", run, path: "" },
  about: { set, plan },
});
const RUNS = [
  known("restore-1-3", "1", "nightly"),
  known("2", "2", "weekly"),
  known("1", "1", "nightly"),
  { ...known("0", "0", "old"), about: undefined },
];

test.each([
  ["its own name, before a set's that is the same", "1", "1"],
  ["its own name, whatever it is", "restore-1-3", "restore-1-3"],
  ["its plan's name", "weekly", "2"],
  ["its own name, if nothing else is known of it", "0", "0"],
])("a run is found by %s", (_, name, run) => {
  expect(pickRun(RUNS, name, "run").folder.run).toBe(run);
});

test("several runs of a name are not one", () => {
  expect(() => pickRun(RUNS, "nightly", "run")).toThrow(
    "nightly names several runs: restore-1-3, 1",
  );
});

test("who names no run is told which there are", () => {
  expect(() => pickRun(RUNS, "monthly", "run of this host")).toThrow(
    "no run of this host is called monthly; there are: restore-1-3, 2, 1, 0",
  );
  expect(() => pickRun([], "monthly", "running run")).toThrow(
    "no running run is called monthly; there is none",
  );
});

test("runs of this host are known by their folders, newest first, those of other clusters are not", async () => {
  const runs = ["20261120104512", "restore-20261120104512-20261121000000", "20261119000000"];
  for (const run of runs) {
    const folder = await createRunFolder(dir, "warehouse", run);
    using file = new LogFile(folder, () => {});
    new RunLog(
      file,
      {
        ...{ run, set: "20261120104512", plan: "nightly", cluster: "warehouse" },
        ...{ kind: "backup", pid: 1, startedAt: "" },
      },
      "1.0.0",
    );
  }
  await createRunFolder(dir, "other", "20261122000000");
  const found = await listKnown(dir, "warehouse");
  expect(found.map(({ folder }) => folder.run)).toEqual([runs[1], runs[0], runs[2]]);
  expect(found[0]?.about).toMatchObject({ set: "20261120104512", plan: "nightly" });
  expect(await listRunning(dir, "warehouse", never)).toEqual([]);
  expect(await listRunFolders(join(dir, "missing"), "warehouse")).toEqual([]);
});

test("a folder is one run's: another one of its name is told that the name is taken", async () => {
  await createRunFolder(dir, "warehouse", "20261120104512");
  await expect(createRunFolder(dir, "warehouse", "20261120104512")).rejects.toMatchObject({
    ...{ code: "locked", place: { list: "run" }, message: "run 20261120104512 exists" },
  });
});
