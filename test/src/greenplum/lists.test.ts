import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { guardChildren } from "../harness/guard-children.ts";
import { TempDir } from "../harness/temp-dir.ts";
import { GreenplumCluster } from "./cluster.ts";
import { asInSamples, readSample, withoutChance } from "./samples.ts";

guardChildren();
// They guard against what hangs alone: a slow machine is no failure.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const signal = AbortSignal.timeout(1_200_000);
let temp: TempDir;
let cluster: GreenplumCluster;

beforeAll(async () => {
  temp = await TempDir.create();
  const hosts = { coordinator: "mdw", segments: ["sdw1", "sdw1", "sdw2"] };
  cluster = await GreenplumCluster.start({ dir: join(temp.path, "gp"), ...hosts }, signal);
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await temp[Symbol.asyncDispose]();
});

const dayFolder = (): string => join(cluster.dumpDirectory, "db_dumps/20261120");

async function list(key: string, ...more: string[]): ReturnType<GreenplumCluster["run"]> {
  const args = ["-x", "testdb", "-K", key, "--list-backup-files", ...more];
  return await cluster.run("gpcrondump", args, signal);
}

test.each([
  ["plain", "gp_dump_20261120110000", []],
  ["gG_stats", "gp_dump_20261120110100", ["-g", "-G", "--dump-stats"]],
  ["z_uncompressed", "gp_dump_20261120110300", ["-z"]],
  ["filter_t", "gp_dump_20261120112001", ["-t", "public.t_ao"]],
  ["filter_schema", "gp_dump_20261120112002", ["-s", "s2"]],
  ["prefix_T_g", "foo_gp_dump_20261120112000", ["--prefix", "foo", "-T", "s2.t", "-g"]],
])("the lists are those of a real Greenplum 5: %s", async (folder, name, options) => {
  const outcome = await list(name.slice(-14), "-u", cluster.dumpDirectory, ...options);
  expect(outcome).toMatchObject({ status: 0, stderr: "" });
  for (const suffix of ["_pipes", "_regular_files"]) {
    const written = await readFile(join(dayFolder(), name + suffix), "utf8");
    expect(asInSamples(written, cluster)).toBe(
      await readSample(`lists/${folder}/${name}${suffix}`),
    );
  }
});

test("without -u the files lie in each instance's data directory", async () => {
  await list("20261120112003", "-g");
  const folder = join(cluster.instance(-1).dataDirectory, "db_dumps/20261120");
  for (const suffix of ["_pipes", "_regular_files"]) {
    const name = `gp_dump_20261120112003${suffix}`;
    const written = await readFile(join(folder, name), "utf8");
    expect(asInSamples(written, cluster)).toBe(await readSample(`lists/no_u_g/${name}`));
  }
});

test("an incremental listing names the newest full set", async () => {
  await mkdir(dayFolder(), { recursive: true });
  const report = (await readSample("dump/B/gp_dump_20261120110000.rpt")).replaceAll(
    "20261120110000",
    "20261120113000",
  );
  await writeFile(join(dayFolder(), "gp_dump_20261120113000.rpt"), report);
  await list("20261120114000", "-u", cluster.dumpDirectory, "--incremental");
  const name = "gp_dump_20261120114000_regular_files";
  const written = await readFile(join(dayFolder(), name), "utf8");
  expect(asInSamples(written, cluster)).toBe(await readSample(`lists/incremental/${name}`));
});

test("a listing says what the real one says, and makes no pipe", async () => {
  const before: string[] = await readdir(dayFolder()).catch(() => []);
  const { stdout } = await list("20261120110000", "-u", cluster.dumpDirectory);
  expect(asInSamples(stdout, cluster)).toBe(
    withoutChance(await readSample("lists/listing_transcript.txt")),
  );
  const made = (await readdir(dayFolder())).filter((name) => !before.includes(name));
  expect(made.filter((name) => !/_(pipes|regular_files)$/.test(name))).toEqual([]);
});

test.each([
  ["20261320110000", "CRITICAL", "gpcrondump failed. (Reason='month must be in 1..12') exiting..."],
  ["20260230110000", "CRITICAL", "(Reason='day is out of range for month') exiting..."],
])("a key that is no time is refused: %s", async (key, level, text) => {
  const outcome = await list(key, "-u", cluster.dumpDirectory);
  expect(outcome.status).toBe(2);
  expect(outcome.stdout).toContain(`-[${level}]:-`);
  expect(outcome.stdout).toContain(text);
});

test("a listing needs a key and one database", async () => {
  const noKey = await cluster.run("gpcrondump", ["-x", "testdb", "--list-backup-files"], signal);
  expect(noKey.status).toBe(2);
  expect(noKey.stdout).toContain("[CRITICAL]:-gpcrondump failed. (Reason='Must supply -K option");
  const two = await list("20261120110000", "-x", "other", "-u", cluster.dumpDirectory);
  expect(two.status).toBe(2);
  expect(two.stdout).toContain("multi-database backup is not supported with -K option");
});

test("4.3 has names of its own, puts tars last and lists no statistics", async () => {
  await cluster.configure({ naming: "4.3" });
  const key = "20261120120100";
  await list(key, "-u", cluster.dumpDirectory, "-g", "-G", "--dump-stats");
  const pipes = await readFile(join(dayFolder(), `gp_dump_${key}_pipes`), "utf8");
  expect(
    asInSamples(pipes, cluster).replaceAll("/gp/backups/db_dumps/20261120/", "").split("\n"),
  ).toEqual([
    `sdw1:gp_dump_0_2_${key}.gz`,
    `sdw1:gp_dump_0_3_${key}.gz`,
    `sdw2:gp_dump_0_4_${key}.gz`,
    `mdw:gp_dump_1_1_${key}.gz`,
    `mdw:gp_dump_1_1_${key}_post_data.gz`,
    `mdw:gp_global_1_1_${key}`,
    `mdw:gp_master_config_files_${key}.tar`,
    `sdw1:gp_segment_config_files_0_2_${key}.tar`,
    `sdw1:gp_segment_config_files_0_3_${key}.tar`,
    `sdw2:gp_segment_config_files_0_4_${key}.tar`,
    "",
  ]);
  const regular = await readFile(join(dayFolder(), `gp_dump_${key}_regular_files`), "utf8");
  expect(regular).toContain(`/gp_dump_status_1_1_${key}\n`);
  expect(regular).not.toContain("_table");
});

test("after a failover 5 lists the new primary, and 4.3 the one that is down", async () => {
  await cluster.failOver(1, { host: "sdw2", dbid: 9 });
  const listed = async (naming: "4.3" | "5", key: string): Promise<string> => {
    await cluster.configure({ naming });
    await list(key, "-u", cluster.dumpDirectory);
    return await readFile(join(dayFolder(), `gp_dump_${key}_pipes`), "utf8");
  };
  const current = await listed("5", "20261120130000");
  expect(current).toMatch(/^sdw2:.*gp_dump_1_9_20261120130000\.gz$/m);
  const preferred = await listed("4.3", "20261120130001");
  expect(preferred).toMatch(/^sdw1:.*gp_dump_0_3_20261120130001\.gz$/m);
  expect(preferred).not.toContain("_9_");
});

test("psql finds the catalogue", async () => {
  const query = "select count(*) from gp_segment_configuration where role = 'p'";
  const outcome = await cluster.run("psql", ["-d", "template1", "-AtXc", query], signal);
  expect(outcome).toMatchObject({ status: 0, stdout: "4\n" });
});
