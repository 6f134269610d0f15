import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { processesWith } from "../harness/processes.ts";
import { untilNone } from "../harness/until.ts";
import type { BackupConfig } from "./backup-config.ts";
import { GpbackupCluster } from "./cluster.ts";
import { guardFile } from "./limits.ts";
import { Stage } from "./stage.ts";
import { readYaml } from "./toc.ts";

const signal = guardFile();
const SEGMENTS = ["sdw1", "sdw1", "sdw2", "sdw2"];
let stage: Stage;

beforeAll(async () => {
  stage = await Stage.start({ segments: SEGMENTS, tables: 9 }, signal);
});

afterEach(async () => await stage.plugin.reset());

afterAll(async () => await stage[Symbol.asyncDispose]());

const GOOD = { status: 0, stderr: "" };

async function backUp(...flags: string[]): Promise<string> {
  const { timestamp, ...outcome } = await stage.backUp(...flags);
  expect(outcome).toMatchObject(GOOD);
  expect(outcome.stdout).toContain(`Backup Timestamp = ${timestamp}`);
  return timestamp;
}

const made = new Map<string, string>();

/** A backup as another test may have made it: for tests that do not change the database before. */
async function backUpOnce(...flags: string[]): Promise<string> {
  const key = flags.join(" ");
  const timestamp = made.get(key) ?? (await backUp(...flags));
  made.set(key, timestamp);
  return timestamp;
}

async function restore(timestamp: string, ...flags: string[]): Promise<string> {
  const { database, ...outcome } = await stage.restore(timestamp, ...flags);
  expect(outcome).toMatchObject(GOOD);
  return database;
}

async function configOf(timestamp: string): Promise<BackupConfig> {
  return await readYaml(stage.plugin.storedPath(`gpbackup_${timestamp}_config.yaml`));
}

test.each([
  { flags: ["--jobs", "2"], restoreFlags: ["--jobs", "3"] },
  { flags: ["--no-compression", "--with-stats"], restoreFlags: ["--with-stats"] },
  { flags: ["--single-data-file"], restoreFlags: [] },
  {
    flags: ["--single-data-file", "--no-compression", "--copy-queue-size", "3"],
    restoreFlags: ["--copy-queue-size", "2"],
  },
])("what is backed up with $flags is equal after its restore", async ({ flags, restoreFlags }) => {
  const timestamp = await backUp(...flags);
  const database = await restore(timestamp, ...restoreFlags);
  const { cluster } = stage;
  expect(await cluster.checksums(database)).toEqual(await cluster.checksums("testdb"));
  const calls = await stage.calls("backup_data");
  expect(calls).toHaveLength(flags.includes("--single-data-file") ? 4 : 9 * 4);
});

test("another cluster of as many segments restores it, under its own paths", async () => {
  const timestamp = await backUpOnce("--single-data-file");
  const options = { dir: join(stage.folder, "other"), segments: SEGMENTS };
  await using other = await GpbackupCluster.start(options, signal);
  const { args, database } = stage.restoreArgs(timestamp);
  expect(await other.run("gprestore", args, signal)).toMatchObject(GOOD);
  expect(await other.checksums(database)).toEqual(await stage.cluster.checksums("testdb"));
  const [call] = await stage.calls("restore_data");
  expect(call?.argv[2]).toContain(join(stage.folder, "other"));
});

const ODD = 's2."Größe ""x"" y"';

test.each([
  { subset: "on", flags: ["--no-compression"], command: "restore_data_subset" },
  { subset: "off", flags: ["--no-compression"], command: "restore_data" },
  { subset: "on", flags: [], command: "restore_data" },
])(
  "restore_subset $subset with $flags makes a filtered restore call $command",
  async ({ subset, flags, command }) => {
    const timestamp = await backUpOnce("--single-data-file", ...flags);
    await stage.plugin.writeConfig(stage.config, { restore_subset: subset });
    const database = await restore(timestamp, "--include-table", ODD);
    await stage.plugin.writeConfig(stage.config);
    expect(await stage.calls(command)).toHaveLength(4);
    const before = await stage.cluster.checksums("testdb");
    for (const [content, tables] of Object.entries(await stage.cluster.checksums(database))) {
      const name = 's2.Größe "x" y';
      expect(tables).toEqual({ [name]: before[content]?.[name] });
    }
  },
);

test("the offsets of a ranged restore stay in a file, which tells start and end of each table", async () => {
  const timestamp = await backUpOnce("--single-data-file", "--no-compression");
  await stage.plugin.writeConfig(stage.config, { restore_subset: "on" });
  await restore(timestamp, "--include-table", "public.t_ao", "--include-table", "s2.t_random");
  await stage.plugin.writeConfig(stage.config);
  const [call] = await stage.calls("restore_data_subset");
  expect(await readFile(call?.argv[3] ?? "", "utf8")).toMatch(/^2( \d+){4}\n$/);
  const left = await readdir(stage.cluster.tmpDir("sdw1"));
  expect(left.filter((name) => name.startsWith("gprestore_offsets_"))).not.toEqual([]);
});

test("a backup of one table with an odd name has that alone", async () => {
  const timestamp = await backUp("--include-table", "public.We ird");
  const { includetablefiltered, restoreplan } = await configOf(timestamp);
  expect(includetablefiltered).toBe(true);
  expect(restoreplan).toEqual([{ timestamp, tablefqns: ['public."We ird"'] }]);
  const [tables] = Object.values(await stage.cluster.checksums(await restore(timestamp)));
  expect(Object.keys(tables ?? {})).toEqual(["public.We ird"]);
});

test("an incremental backup leaves out append-optimized tables that have not changed", async () => {
  const full = await backUp("--leaf-partition-data");
  await stage.cluster.query("testdb", "insert into s2.t_random values (77, 'new')");
  const unchanged = await backUp("--leaf-partition-data", "--incremental");
  const [old, own] = (await configOf(unchanged)).restoreplan;
  expect(old).toEqual({ timestamp: full, tablefqns: ["public.t_ao"] });
  expect(own?.tablefqns).not.toContain("public.t_ao");
  const { cluster } = stage;
  const expected = await cluster.checksums("testdb");
  expect(await cluster.checksums(await restore(unchanged))).toEqual(expected);
  await cluster.query("testdb", "update public.t_ao set v = 'other' where id = 1");
  const changed = await backUp("--leaf-partition-data", "--incremental");
  const plan = (await configOf(changed)).restoreplan;
  expect(plan.at(-1)?.tablefqns).toContain("public.t_ao");
});

test.each([
  { flags: ["--incremental"], message: "--leaf-partition-data must be specified" },
  { flags: ["--single-data-file", "--jobs", "2"], message: "may not be specified together" },
  { flags: ["--copy-queue-size", "2"], message: "must be specified with --single-data-file" },
])("flags $flags are refused", async ({ flags, message }) => {
  const { status, stderr } = await stage.backUp(...flags);
  expect(status).toBe(2);
  expect(stderr).toContain(message);
  expect(await stage.plugin.calls()).toEqual([]);
});

test("a cluster that is disposed of ends what a killed backup has left", async () => {
  await using other = await Stage.start({ segments: ["sdw1"] }, signal);
  const args = other.backupArgs("--single-data-file");
  await using gpbackup = await other.startHeld("gpbackup", args, 10);
  gpbackup.kill("SIGKILL");
  await gpbackup.outcome;
  expect(await processesWith(other.folder)).not.toEqual([]);
  await other.cluster[Symbol.asyncDispose]();
  await untilNone(async () => await processesWith(other.folder), signal);
});
