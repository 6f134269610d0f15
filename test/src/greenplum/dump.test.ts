import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Outcome } from "../harness/child.ts";
import { guardChildren } from "../harness/guard-children.ts";
import { TempDir } from "../harness/temp-dir.ts";
import { GreenplumCluster } from "./cluster.ts";
import { PipeReaders } from "./pipe-readers.ts";
import { asInSamples, readSample, withoutChance } from "./samples.ts";

guardChildren();
// They guard against what hangs alone: a slow machine is no failure.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const signal = AbortSignal.timeout(1_200_000);
/** The samples are of dumps that were done before gpcrondump looked at its lock, and says so. */
const NEVER_MS = 600_000;
let temp: TempDir;
let cluster: GreenplumCluster;

beforeAll(async () => {
  temp = await TempDir.create();
  const hosts = { coordinator: "mdw", segments: ["sdw1", "sdw1", "sdw2"] };
  const settings = { lockPollMs: NEVER_MS };
  const options = { dir: join(temp.path, "gp"), ...hosts, settings };
  cluster = await GreenplumCluster.start(options, signal);
  await cluster.createDatabase("testdb", { rows: 3000 });
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await temp[Symbol.asyncDispose]();
});

const inDumps = (name: string): string => join(cluster.dumpDirectory, "db_dumps/20261120", name);
const END = "--\n-- Greenplum Database database dump complete\n--\n\n";

/** Lists, reads every pipe and dumps, with the arguments in the samples' order. */
async function dump(
  key: string,
  ...more: string[]
): Promise<{ readonly outcome: Outcome; readonly readers: PipeReaders }> {
  const args = ["-x", "testdb", "-K", key, "-u", cluster.dumpDirectory, ...more];
  await cluster.run("gpcrondump", [...args, "--list-backup-files"], signal);
  const prefix = more.includes("--prefix") ? `${more[more.indexOf("--prefix") + 1]}_` : "";
  const list = inDumps(`${prefix}gp_dump_${key}_pipes`);
  const into = join(temp.path, "read", key);
  await using readers = await PipeReaders.start({ list, into }, signal);
  const outcome = await cluster.run("gpcrondump", ["-a", "-b", ...args], signal);
  return { outcome, readers };
}

async function unzipped(readers: PipeReaders, part: string): Promise<string> {
  return (await promisify(gunzip)(await readers.received(part))).toString();
}

test("a dump says, reports and leaves what a real one does", async () => {
  const key = "20261120110000";
  const { outcome, readers } = await dump(key);
  expect(outcome).toMatchObject({ status: 0, stderr: "" });
  const said = withoutChance(await readSample("dump/B/gpcrondump.txt"));
  expect(asInSamples(outcome.stdout, cluster)).toBe(said);
  for (const name of [
    `gp_dump_${key}.rpt`,
    `gp_dump_status_-1_1_${key}`,
    `gp_dump_status_0_2_${key}`,
  ]) {
    const written = asInSamples(await readFile(inDumps(name), "utf8"), cluster);
    expect(written).toBe(withoutChance(await readSample(`dump/B/${name}`)));
  }
  for (const part of [
    "dump_-1_1_20261120110000.gz",
    "post_data",
    "dump_0_2",
    "dump_1_3",
    "dump_2_4",
  ]) {
    expect((await unzipped(readers, part)).endsWith(END)).toBe(true);
  }
  const schema = await unzipped(readers, `gp_dump_-1_1_${key}.gz`);
  expect(schema).toContain('COPY public."We ird" (id, "Col One") FROM stdin;\n\\.\n');
  expect(schema).not.toContain("CREATE INDEX");
  expect(await unzipped(readers, "post_data")).toContain("CREATE INDEX t_heap_grp");
});

test("files made by the servers are for their owner alone", async () => {
  const key = "20261120110000";
  const modes = async (name: string): Promise<number> => (await stat(inDumps(name))).mode & 0o777;
  expect(await modes(`gp_dump_status_0_2_${key}`)).toBe(0o600);
  expect(await modes(`gp_cdatabase_-1_1_${key}`)).toBe(0o600);
  expect((await modes(`gp_dump_${key}.rpt`)) & 0o044).toBe(0o044);
});

test("with -g -G --dump-stats it says what a real one says, and all pipes have their content", async () => {
  const key = "20261120110100";
  const { outcome, readers } = await dump(key, "-g", "-G", "--dump-stats");
  const said = withoutChance(await readSample("dump/C/gpcrondump.txt"));
  expect(asInSamples(outcome.stdout, cluster)).toBe(said);
  for (const suffix of ["cdatabase_-1_1_KEY", "dump_KEY_ao_state_file", "dump_KEY_co_state_file"]) {
    const name = `gp_${suffix.replace("KEY", key)}`;
    expect(await readFile(inDumps(name), "utf8")).toBe(await readSample(`dump/C/${name}`));
  }
  const operations = await readFile(inDumps(`gp_dump_${key}_last_operation`), "utf8");
  expect(operations).toMatch(/^public,t_ao,\d+,CREATE,TABLE,\d{4}-.*\n/);
  expect((await readers.received("gp_global")).toString()).toMatch(
    /^--\n-- Greenplum Database cluster dump\n--/,
  );
  expect((await readers.received("gp_statistics")).toString()).toContain(
    "-- Schema: public, Table: We ird, Attribute: Col One\n",
  );
  for (const part of ["master_config", "config_files_0_2", "config_files_2_4"]) {
    expect((await readers.received(part)).length % 10_240).toBe(0);
  }
});

test("with -z it says and reports what a real one does, in plain text", async () => {
  const key = "20261120110300";
  const { outcome, readers } = await dump(key, "-z");
  const said = withoutChance(await readSample("dump/E/gpcrondump.txt"));
  expect(asInSamples(outcome.stdout, cluster)).toBe(said);
  const report = await readFile(inDumps(`gp_dump_${key}.rpt`), "utf8");
  expect(asInSamples(report, cluster)).toBe(await readSample(`dump/E/gp_dump_${key}.rpt`));
  const text = (await readers.received("dump_1_3")).toString();
  expect(text).toMatch(/^--\n-- Greenplum Database database dump\n--\n/);
  expect(text.endsWith(END)).toBe(true);
});

test("the history is in the database only after the first dump", async () => {
  const { rows } = await cluster.query(
    0,
    "testdb",
    "select dump_key from gpcrondump_history order by 1",
  );
  expect(rows.map(({ dump_key }) => dump_key)).toEqual([
    "20261120110000",
    "20261120110100",
    "20261120110300",
  ]);
  const { readers } = await dump("20261120110310", "-H");
  expect(await unzipped(readers, "dump_0_2")).toContain("COPY public.gpcrondump_history ");
  const after = await cluster.query(0, "testdb", "select from gpcrondump_history");
  expect(after.rowCount).toBe(3);
});

test("filters choose tables, and prefixes go into every name", async () => {
  const key = "20261120110320";
  const { outcome, readers } = await dump(key, "--prefix", "foo", "-t", "public.t_ao");
  expect(outcome.status).toBe(0);
  const rows = await unzipped(readers, "foo_gp_dump_2_4");
  expect([...rows.matchAll(/^COPY (\S+)/gm)].map(([, name]) => name)).toEqual(["public.t_ao"]);
  const names = (await readdir(inDumps("."))).filter((name) => name.includes(key));
  expect(names.filter((name) => !name.startsWith("foo_"))).toEqual([]);
  expect(names).toContain(`foo_gp_dump_${key}_filter`);
  const other = await dump("20261120110330", "-T", "public.t_ao");
  expect(await unzipped(other.readers, "dump_2_4")).not.toContain("t_ao");
});

test("a key that is not newer than all reports is refused", async () => {
  const { outcome } = await dump("20261120110000");
  expect(outcome.status).toBe(2);
  expect(outcome.stdout).toContain(
    "[CRITICAL]:-gpcrondump failed. (Reason='There is a future dated backup on the system preventing new backups') exiting...",
  );
});

test("without -b a cluster short of disk space is not dumped", async () => {
  const args = ["-a", "-x", "testdb", "-K", "20261120110340", "-u", cluster.dumpDirectory];
  const outcome = await cluster.run("gpcrondump", args, signal);
  expect(outcome.status).toBe(2);
  expect(outcome.stdout).toContain("Cannot continue. 3 segment(s) failed disk space checks");
});

test("without -a and an answer nothing is dumped", async () => {
  const args = ["-b", "-x", "testdb", "-K", "20261120110350", "-u", cluster.dumpDirectory];
  expect((await cluster.run("gpcrondump", args, signal)).status).toBe(4);
});

test("a pipe that is missing becomes a regular file, and nobody says so", async () => {
  const key = "20261120111400";
  const args = ["-a", "-b", "-x", "testdb", "-K", key, "-u", cluster.dumpDirectory];
  const outcome = await cluster.run("gpcrondump", args, signal);
  expect(outcome.status).toBe(0);
  expect(outcome.stdout).toMatch(/Status += {1,2}COMPLETED/);
  const file = await stat(inDumps(`gp_dump_1_3_${key}.gz`));
  expect([file.isFile(), file.mode & 0o777]).toEqual([true, 0o600]);
});

test("4.3 names its streams without contents", async () => {
  await cluster.configure({ naming: "4.3" });
  const key = "20261120111500";
  const { outcome, readers } = await dump(key, "-G");
  await cluster.configure({ naming: "5" });
  expect(outcome.status).toBe(0);
  expect((await unzipped(readers, `gp_dump_0_4_${key}.gz`)).endsWith(END)).toBe(true);
  const report = await readFile(inDumps(`gp_dump_${key}.rpt`), "utf8");
  expect(report).toContain(`gp_dump_1_1_${key}.gz: Succeeded`);
});
