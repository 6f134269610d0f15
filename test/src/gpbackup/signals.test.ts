import { readdir } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { guardFile } from "./limits.ts";
import { SETUP, Stage } from "./stage.ts";

const signal = guardFile();
let stage: Stage;
let multi: string;
let single: string;

beforeAll(async () => {
  stage = await Stage.start({ segments: ["sdw1", "sdw1", "sdw2"], rows: 20_000 }, signal);
  multi = (await stage.backUp("--no-compression")).timestamp;
  single = (await stage.backUp("--single-data-file", "--no-compression")).timestamp;
  await stage.plugin.reset();
});

afterEach(async () => await stage.plugin.reset());

afterAll(async () => await stage[Symbol.asyncDispose]());

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

test.each(SIGNALS)(
  "%s leaves the tables under way to the database, which does all of them",
  async (name) => {
    await using gpbackup = await stage.startHeld("gpbackup", stage.backupArgs(), 100);
    gpbackup.kill(name);
    expect(await gpbackup.outcome).toMatchObject({ status: 2, stderr: "" });
    expect(gpbackup.stdout.text).toMatch(/Received an? (interrupt|termination) signal, aborting/);
    expect(await stage.steps()).toEqual(SETUP);
    await stage.plugin.release();
    for (const { argv, status } of await stage.untilEnded("backup_data")) {
      expect(status).toBe(0);
      expect(await stage.isWholeGzip(argv[2] ?? "")).toBe(true);
    }
  },
);

test.each(SIGNALS)("%s gives the plugins of single files a plain end", async (name) => {
  const args = stage.backupArgs("--single-data-file");
  await using gpbackup = await stage.startHeld("gpbackup", args, 100);
  gpbackup.kill(name);
  expect(await gpbackup.outcome).toMatchObject({ status: 2, stderr: "" });
  expect(await stage.steps()).toEqual(SETUP);
  await stage.plugin.release();
  for (const { argv, status } of await stage.untilEnded("backup_data")) {
    expect(status).toBe(0);
    expect(await stage.isWholeGzip(argv[2] ?? "")).toBe(false);
  }
});

test("SIGKILL of gpbackup leaves helpers, plugins, FIFOs and the lock file behind", async () => {
  const args = stage.backupArgs("--single-data-file");
  await using gpbackup = await stage.startHeld("gpbackup", args, 100);
  const pipes = await stage.pipes();
  gpbackup.kill("SIGKILL");
  expect(await gpbackup.outcome).toMatchObject({ signal: "SIGKILL" });
  await stage.plugin.release();
  await stage.untilNextPipe(pipes);
  const statuses = (await stage.calls("backup_data")).map(({ status }) => status);
  expect(statuses).toEqual([undefined, undefined, undefined]);
  const timestamp = await stage.lastTimestamp();
  for (const kind of ["pipe", "oid", "script"]) {
    expect((await stage.filesOfSegment()).join()).toContain(`gpbackup_0_${timestamp}_${kind}_`);
  }
  expect(await readdir(stage.cluster.tmpDir("mdw"))).toContain(`${timestamp}.lck`);
});

test.each(SIGNALS)("%s of gprestore calls no hook and leaves no rows", async (name) => {
  for (const timestamp of [multi, single]) {
    const { args, database } = stage.restoreArgs(timestamp);
    await using gprestore = await stage.startHeld("gprestore", args, 100_000);
    gprestore.kill(name);
    expect(await gprestore.outcome).toMatchObject({ status: 2, stderr: "" });
    expect((await stage.steps()).filter((step) => step.startsWith("clean"))).toEqual([]);
    const rows = Object.values(await stage.cluster.checksums(database)).map(
      (tables) => tables["public.t_heap"]?.rows,
    );
    expect(rows).toEqual([0, 0, 0]);
    await stage.plugin.release();
    await stage.plugin.reset();
  }
});

test("SIGKILL of gprestore leaves helpers and plugins behind", async () => {
  const { args } = stage.restoreArgs(single);
  await using gprestore = await stage.startHeld("gprestore", args, 100_000);
  gprestore.kill("SIGKILL");
  expect(await gprestore.outcome).toMatchObject({ signal: "SIGKILL" });
  const pipes = await stage.pipes();
  await stage.plugin.release();
  await stage.untilNextPipe(pipes);
  expect((await stage.steps()).filter((step) => step.startsWith("clean"))).toEqual([]);
  expect((await stage.filesOfSegment()).join()).toContain(`_${single}_pipe_`);
});
