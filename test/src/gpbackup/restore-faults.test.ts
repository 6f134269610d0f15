import { readdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { backupDir } from "./files.ts";
import { guardFile } from "./limits.ts";
import { CLEANUP, Stage } from "./stage.ts";
import { readYaml, type Toc } from "./toc.ts";

const signal = guardFile();
const ROWS = 5_000;
let stage: Stage;
let multi: string;
let single: string;
let singleGzip: string;

beforeAll(async () => {
  stage = await Stage.start({ segments: ["sdw1", "sdw1", "sdw2"], rows: ROWS }, signal);
  multi = (await stage.backUp()).timestamp;
  single = (await stage.backUp("--single-data-file", "--no-compression")).timestamp;
  singleGzip = (await stage.backUp("--single-data-file")).timestamp;
  await stage.plugin.reset();
});

afterEach(async () => await stage.plugin.reset());

afterAll(async () => await stage[Symbol.asyncDispose]());

/** Rows of a table on each segment. */
async function rowsOf(database: string, table: string): Promise<(number | undefined)[]> {
  const checksums = await stage.cluster.checksums(database);
  return Object.values(checksums).map((tables) => tables[table]?.rows);
}

async function hasIndexes(database: string): Promise<boolean> {
  const statement = "select 1 / count(*) from pg_indexes where indexname = 't_heap_grp'";
  return await stage.cluster.query(database, statement).then(
    () => true,
    () => false,
  );
}

test("nobody looks at the exit status of a plugin that has delivered everything", async () => {
  await stage.plugin.before("restore_data", "", 'cat "$object"; echo damaged >&2; exit 5');
  for (const timestamp of [multi, single, singleGzip]) {
    const { database, ...outcome } = await stage.restore(timestamp);
    expect(outcome).toMatchObject({ status: 0, stderr: "" });
    expect(await stage.cluster.checksums(database)).toEqual(
      await stage.cluster.checksums("testdb"),
    );
  }
});

test("a table that is cut inside a row is an error of its COPY, and no row of it stays", async () => {
  await stage.plugin.before("restore_data", "gpbackup_1_", 'head -c 100001 "$object"; exit 5');
  for (const timestamp of [multi, single, singleGzip]) {
    const { status, stdout, stderr, database } = await stage.restore(timestamp);
    expect(status).toBe(1);
    expect(stderr).toMatch(/Error loading data into table public.t_heap: COPY t_heap, line \d+/);
    expect(stderr).toContain("Encountered 1 error(s) during table data restore");
    expect(stdout).toContain("Data restore completed with failures");
    expect(await rowsOf(database, "public.t_heap")).toEqual([0, 0, 0]);
    expect(await hasIndexes(database)).toBe(true);
  }
});

test("a table that is cut between rows is noticed by its count of rows, and they stay", async () => {
  const object = await readFile(stage.plugin.storedPath(`gpbackup_1_${single}`));
  const bytes = object.indexOf("\n", 100_000) + 1;
  await stage.plugin.before("restore_data", "gpbackup_1_", `head -c ${bytes} "$object"; exit 5`);
  const { status, stderr, database } = await stage.restore(single);
  expect(status).toBe(1);
  const rows = object.subarray(0, bytes).toString().split("\n").length - 1;
  const restored = `but restored ${2 * ROWS + rows} instead`;
  expect(stderr).toContain(
    `Expected to restore ${3 * ROWS} rows to table public.t_heap, ${restored}`,
  );
  expect(await rowsOf(database, "public.t_heap")).toEqual([ROWS, rows, ROWS]);
  expect(await rowsOf(database, "public.t_ao")).toEqual([0, 0, 0]);
});

test("an object that is missing is an error of its table; others are restored only if told so", async () => {
  const toc = await readYaml<Toc>(stage.plugin.storedPath(`gpbackup_${multi}_toc.yaml`));
  const oid = toc.dataentries.find(({ name }) => name === "t_ao")?.oid;
  const object = stage.plugin.storedPath(`gpbackup_1_${multi}_${oid}.gz`);
  await rename(object, `${object}.away`);
  const stopped = await stage.restore(multi);
  const continued = await stage.restore(multi, "--on-error-continue");
  await rename(`${object}.away`, object);
  for (const { status, stderr, database } of [stopped, continued]) {
    expect(status).toBe(1);
    const error = "Error loading data into table public.t_ao: COPY public.t_ao";
    expect(stderr).toContain(error);
    expect(stderr).toMatch(/command error message: cat: \S+: No such file or directory/);
    expect(await rowsOf(database, "public.t_heap")).toEqual([ROWS, ROWS, ROWS]);
    expect(await hasIndexes(database)).toBe(true);
  }
  expect(await rowsOf(stopped.database, "public.t_binary")).toEqual([0, 0, 0]);
  expect(await rowsOf(continued.database, "public.t_binary")).toEqual(
    await rowsOf("testdb", "public.t_binary"),
  );
  const dir = backupDir(stage.cluster.coordinator, multi);
  const list = (await readdir(dir)).find((name) => name.endsWith("_error_tables_data")) ?? "";
  expect(await readFile(join(dir, list), "utf8")).toBe("public.t_ao");
});

test("what restore_data says is harmless but for a single compressed file, where it ends the restore", async () => {
  await stage.plugin.before("restore_data", "gpbackup_1_", "echo progress >&2");
  for (const timestamp of [multi, single]) {
    expect(await stage.restore(timestamp)).toMatchObject({ status: 0, stderr: "" });
  }
  await stage.plugin.reset();
  await stage.plugin.before("restore_data", "gpbackup_1_", "echo progress >&2");
  const { status, stderr, database } = await stage.restore(singleGzip);
  expect(status).toBe(2);
  expect(stderr).toContain("[CRITICAL]:-Encountered errors with 1 helper agent(s).");
  expect((await stage.steps()).slice(-CLEANUP.length)).toEqual(CLEANUP);
  expect(await hasIndexes(database)).toBe(false);
});

test("a backup whose config.yaml is missing cannot be restored", async () => {
  await stage.plugin.before("restore_file", "_config.yaml", "echo not there >&2; exit 1");
  const { status, stderr } = await stage.restore(multi);
  expect(status).toBe(2);
  expect(stderr).toMatch(/ERROR: Plugin failed to process \S+_config.yaml. not there/);
});
