import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { Child, type Outcome, run } from "../harness/child.ts";
import { guardChildren } from "../harness/guard-children.ts";
import { TempDir } from "../harness/temp-dir.ts";
import { untilFound, untilNone } from "../harness/until.ts";
import { type ClusterChecksums, GreenplumCluster } from "./cluster.ts";
import { PipeReaders } from "./pipe-readers.ts";
import { asInSamples, readSample, withoutChance } from "./samples.ts";

guardChildren();
// They guard against what hangs alone: a slow machine is no failure.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const signal = AbortSignal.timeout(1_200_000);
const ZIPPED = "20261120110100";
const PLAIN = "20261120110300";
let temp: TempDir;
let cluster: GreenplumCluster;
let before: ClusterChecksums;

beforeAll(async () => {
  temp = await TempDir.create();
  const hosts = { coordinator: "mdw", segments: ["sdw1", "sdw1", "sdw2"] };
  cluster = await GreenplumCluster.start({ dir: join(temp.path, "gp"), ...hosts }, signal);
  await cluster.createDatabase("testdb", { rows: 6000 });
  before = await cluster.checksums("testdb");
  await dump(ZIPPED, "-g", "-G", "--dump-stats");
  await dump(PLAIN, "-z");
});

/** Only regular files remain in the folder, as after they have been given back. */
beforeEach(async () => {
  for (const name of await readdir(inDumps("."))) {
    if ((await stat(inDumps(name))).isFIFO()) await rm(inDumps(name));
  }
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await temp[Symbol.asyncDispose]();
});

const inDumps = (name: string): string => join(cluster.dumpDirectory, "db_dumps/20261120", name);
const stored = (key: string, name = ""): string => join(temp.path, "stored", key, name);

async function dump(key: string, ...more: string[]): Promise<void> {
  const args = ["-a", "-b", "-x", "testdb", "-K", key, "-u", cluster.dumpDirectory, ...more];
  await cluster.run("gpcrondump", [...args, "--list-backup-files"], signal);
  const list = inDumps(`gp_dump_${key}_pipes`);
  await using _ = await PipeReaders.start({ list, into: stored(key) }, signal);
  expect(await cluster.run("gpcrondump", args, signal)).toMatchObject({ status: 0 });
}

/** Feeds stored streams into pipes: `change` may cut one, rename it, or leave it out. */
async function feed(
  key: string,
  change: Readonly<Record<string, { bytes?: number; as?: string; leave?: true }>> = {},
): Promise<AsyncDisposable & { readonly feeders: ReadonlyMap<string, Child> }> {
  const feeders = new Map<string, Child>();
  for (const name of await readdir(stored(key))) {
    const [, how = {}] = Object.entries(change).find(([part]) => name.includes(part)) ?? [];
    const pipe = inDumps(how.as ?? name);
    await run("mkfifo", [pipe], {}, signal);
    if (how.leave) continue;
    const take = how.bytes === undefined ? "cat" : `head -c ${how.bytes}`;
    const args = ["-c", `${take} "$1" > "$2"`, "sh", stored(key, name), pipe];
    feeders.set(name, await Child.start("/bin/sh", args, {}, signal));
  }
  const dispose = async (): Promise<void> => {
    await Promise.all([...feeders.values()].map((feeder) => feeder.stop()));
  };
  return { feeders, [Symbol.asyncDispose]: dispose };
}

async function restore(key: string, ...more: string[]): Promise<Outcome> {
  return await cluster.run("gpdbrestore", restoreArgs(key, ...more), signal);
}

function restoreArgs(key: string, ...more: string[]): string[] {
  return ["-a", "-t", key, "-u", cluster.dumpDirectory, ...more];
}

test("a restore from pipes gives back all rows, and says and reports what a real one does", async () => {
  await using _ = await feed(ZIPPED);
  await cluster.dropDatabase("testdb");
  const outcome = await restore(ZIPPED, "-e", "-G", "--restore-stats");
  expect(outcome).toMatchObject({ status: 0, stderr: "" });
  const said = withoutChance(await readSample("restore/R1/gpdbrestore.txt"));
  expect(asInSamples(outcome.stdout, cluster)).toBe(said);
  expect(await cluster.checksums("testdb")).toEqual(before);
  const report = await readFile(inDumps(`gp_restore_${ZIPPED}.rpt`), "utf8");
  expect(asInSamples(report, cluster)).toBe(
    await readSample(`restore/R1/gp_restore_${ZIPPED}.rpt`),
  );
  for (const instance of ["-1_1", "0_2", "2_4"]) {
    const name = `gp_restore_status_${instance}_${ZIPPED}`;
    const written = asInSamples(await readFile(inDumps(name), "utf8"), cluster);
    expect(written).toBe(withoutChance(await readSample(`restore/R1/${name}`)));
  }
});

test("config tars are never opened", async () => {
  await using feeding = await feed(ZIPPED);
  expect(await restore(ZIPPED, "-e", "--noanalyze")).toMatchObject({ status: 0 });
  const feeders = [...feeding.feeders];
  for (const [name, feeder] of feeders) {
    if (/gp_dump_/.test(name)) expect(await feeder.outcome).toMatchObject({ status: 0 });
  }
  const left = feeders.filter(([, feeder]) => feeder.isRunning).map(([name]) => name);
  expect(left.filter((name) => name.includes("config_files"))).toHaveLength(4);
});

test("--redirect restores into another database", async () => {
  await using _ = await feed(ZIPPED);
  const outcome = await restore(ZIPPED, "-e", "--redirect", "rdb", "--noanalyze");
  const said = asInSamples(outcome.stdout, cluster).replaceAll(ZIPPED, "20261120110000");
  expect(said).toBe(withoutChance(await readSample("restore/RR/gpdbrestore.txt")));
  expect(await cluster.checksums("rdb")).toEqual(before);
});

test("one table is restored in three passes that read every stream once", async () => {
  await cluster.query(-1, "testdb", "drop table t_ao");
  for (const content of [0, 1, 2]) await cluster.query(content, "testdb", "drop table t_ao");
  await using feeding = await feed(ZIPPED);
  const outcome = await restore(ZIPPED, "-T", "public.t_ao");
  expect(outcome.status).toBe(0);
  const said = asInSamples(outcome.stdout, cluster).replaceAll(ZIPPED, "20261120110000");
  expect(said).toBe(withoutChance(await readSample("restore/P1/gpdbrestore.txt")));
  expect(await cluster.checksums("testdb")).toEqual(before);
  for (const name of feeding.feeders.keys()) {
    if (/gp_dump_/.test(name)) expect((await feeding.feeders.get(name)?.outcome)?.status).toBe(0);
  }
});

test("a stream without any pipe is refused before the database is dropped", async () => {
  await using _ = await feed(ZIPPED);
  await rm(inDumps(`gp_dump_1_3_${ZIPPED}.gz`));
  const outcome = await restore(ZIPPED, "-e");
  expect(outcome.status).toBe(2);
  expect(outcome.stdout).toContain("[CRITICAL]:-gpdbrestore failed. (Reason='No dump file on sdw1");
  expect(await cluster.checksums("testdb")).toEqual(before);
});

test("metadata alone never opens a segment's pipe", async () => {
  await using feeding = await feed(ZIPPED);
  const outcome = await restore(ZIPPED, "-e", "--redirect", "rdb", "-m", "--noanalyze");
  expect(outcome.status).toBe(0);
  for (const [name, feeder] of feeding.feeders) {
    if (/gp_dump_\d/.test(name)) expect(feeder.isRunning).toBe(true);
  }
  expect((await cluster.checksums("rdb"))["0"]?.["public.t_heap"]?.rows).toBe(0);
});

test("the report must be a regular file, and -x is no option", async () => {
  const noReport = await restore("20261120110101", "-e");
  expect(noReport.status).toBe(2);
  expect(noReport.stdout).toContain("[CRITICAL]:-gpdbrestore failed.");
  const withX = await restore(ZIPPED, "-x", "testdb");
  expect(withX.status).toBe(2);
  expect(withX.stdout).toContain("no such option: -x");
});

test("-L takes the metadata out of its pipe and fails", async () => {
  await using feeding = await feed(ZIPPED);
  const outcome = await restore(ZIPPED, "-L");
  expect(outcome.status).toBe(2);
  expect(outcome.stdout).toContain("(Reason='[Errno 29] Illegal seek')");
  const name = `gp_dump_-1_1_${ZIPPED}.gz`;
  expect((await feeding.feeders.get(name)?.outcome)?.status).toBe(0);
});

test("a gzip stream that is cut fails the restore; what comes after the data still runs", async () => {
  await using _ = await feed(ZIPPED, { gp_dump_1_3: { bytes: 20_000 } });
  const outcome = await restore(ZIPPED, "-e", "--redirect", "rdb");
  expect(outcome.status).toBe(2);
  expect(outcome.stdout).toContain("(Reason='gpdbrestore finished unsuccessfully') exiting...");
  const report = await readFile(inDumps(`gp_restore_${ZIPPED}.rpt`), "utf8");
  expect(report).toMatch(/dbid 3 .*: Failed with error/);
  expect(report).toMatch(/dbid 2 .*: Succeeded/);
  expect((await cluster.query(-1, "rdb", "select 'public.t_heap_grp'::regclass")).rowCount).toBe(1);
});

test("a plain stream that is cut at a row's end loses rows, and everything says it is good", async () => {
  const name = `gp_dump_1_3_${PLAIN}`;
  const whole = await readFile(stored(PLAIN, name));
  const bytes = whole.indexOf("\n", Math.floor(whole.length / 2)) + 1;
  await using _ = await feed(PLAIN, { gp_dump_1_3: { bytes } });
  const outcome = await restore(PLAIN, "-e", "--redirect", "rdb");
  expect(outcome.status).toBe(0);
  expect(outcome.stdout).toContain("gpdbrestore finished successfully");
  const report = await readFile(inDumps(`gp_restore_${PLAIN}.rpt`), "utf8");
  expect(report.match(/: Succeeded$/gm)).toHaveLength(4);
  const after = await cluster.checksums("rdb");
  expect(after["1"]).not.toEqual(before["1"]);
  expect(after["2"]).toEqual(before["2"]);
});

test("errors in the SQL are a warning and exit status 0", async () => {
  const name = `gp_dump_1_3_${PLAIN}`;
  const poisoned = stored("poisoned");
  await mkdir(poisoned, { recursive: true });
  for (const file of await readdir(stored(PLAIN))) {
    await copyFile(stored(PLAIN, file), join(poisoned, file));
  }
  const whole = await readFile(stored(PLAIN, name));
  const cut = whole.subarray(0, whole.indexOf("\n", Math.floor(whole.length / 2)) + 1);
  await writeFile(join(poisoned, name), Buffer.concat([cut, Buffer.from("poison\n")]));
  await using _ = await feed("poisoned");
  const outcome = await restore(PLAIN, "-e");
  expect(outcome.status).toBe(0);
  const said = withoutChance(await readSample("restore/R8/gpdbrestore.txt"));
  expect(asInSamples(outcome.stdout, cluster)).toBe(said);
  const report = await readFile(inDumps(`gp_restore_${PLAIN}.rpt`), "utf8");
  expect(report).toContain("gp_restore  utility finished but errors were found.");
});

test("a killed reader of a plain stream fails the restore", async () => {
  await using _ = await feed(PLAIN, { gp_dump_1_3: { leave: true } });
  await using tool = await cluster.spawn(
    "gpdbrestore",
    restoreArgs(PLAIN, "-e", "--redirect", "rdb"),
    signal,
  );
  const pid = await untilFound(() => pidOf(/: cat .*gp_dump_1_3/), "the reader", signal);
  process.kill(pid, "SIGKILL");
  expect(await tool.outcome).toMatchObject({ status: 2 });
  const status = await readFile(inDumps(`gp_restore_status_1_3_${PLAIN}`), "utf8");
  expect(status).toContain("psql finished abnormally");
});

test("without a writer a restore waits, and SIGINT to its group leaves nothing behind", async () => {
  await rm(inDumps(`gp_restore_status_2_4_${PLAIN}`), { force: true });
  await using _ = await feed(PLAIN, { gp_dump_1_3: { leave: true } });
  await using tool = await cluster.spawn(
    "gpdbrestore",
    restoreArgs(PLAIN, "-e", "--redirect", "rdb"),
    signal,
  );
  const isDone = async (): Promise<true | undefined> =>
    existsSync(inDumps(`gp_restore_status_2_4_${PLAIN}`)) || undefined;
  await untilFound(isDone, "the other segments", signal);
  await untilFound(() => pidOf(/: cat .*gp_dump_1_3/), "the reader", signal);
  expect(tool.isRunning).toBe(true);
  process.kill(-tool.pid, "SIGINT");
  expect((await tool.outcome).status).toBe(2);
  const isOurs = (line: string): boolean => /gp_restore|: cat .*gp_dump_1_3/.test(line);
  await untilNone(async () => (await cluster.processes(PLAIN)).filter(isOurs), signal);
});

test("the status of a restore is the last one's until the new one has ended", async () => {
  const name = `gp_restore_status_1_3_${ZIPPED}`;
  await writeFile(inDumps(name), "of the last restore\n");
  await using _ = await feed(ZIPPED, { gp_dump_1_3: { leave: true } });
  await using tool = await cluster.spawn(
    "gpdbrestore",
    restoreArgs(ZIPPED, "-e", "--redirect", "rdb"),
    signal,
  );
  const pid = await untilFound(() => pidOf(/: cat .*gp_dump_1_3/), "the reader", signal);
  expect(await readFile(inDumps(name), "utf8")).toBe("of the last restore\n");
  process.kill(pid, "SIGKILL");
  await tool.outcome;
  expect(await readFile(inDumps(name), "utf8")).toContain("psql finished");
});

test("junk in place of a gzip stream fails, though its feeder could write all of it", async () => {
  const name = `gp_dump_1_3_${ZIPPED}.gz`;
  await using feeding = await feed(ZIPPED, { gp_dump_1_3: { leave: true } });
  const junk = join(temp.path, "junk");
  await writeFile(junk, gzipSync("x").subarray(5));
  const args = ["-c", 'cat "$1" > "$2"', "sh", junk, inDumps(basename(name))];
  await using feeder = await Child.start("/bin/sh", args, {}, signal);
  expect((await restore(ZIPPED, "-e", "--redirect", "rdb")).status).toBe(2);
  expect((await feeder.outcome).status).toBe(0);
  expect(feeding.feeders.size).toBeGreaterThan(0);
});

test("a set with 4.3's names is restored by what its report says", async () => {
  const key = "20261120110320";
  await cluster.createDatabase("testdb", { rows: 6000 }); // some of it has been lost
  await cluster.configure({ naming: "4.3" });
  await dump(key);
  await cluster.configure({ naming: "5" });
  await using _ = await feed(key);
  expect(await restore(key, "-e", "--noanalyze")).toMatchObject({ status: 0 });
  expect(await cluster.checksums("testdb")).toEqual(before);
});

// The last one, since the cluster then is another.
test("a pipe named for another dbid is found, and after a failover the old names are", async () => {
  await using _ = await feed(ZIPPED, { gp_dump_1_3: { as: `gp_dump_1_77_${ZIPPED}.gz` } });
  await cluster.failOver(2, { host: "sdw1", dbid: 9 });
  const outcome = await restore(ZIPPED, "-e", "--redirect", "rdb", "--noanalyze");
  expect(outcome.status).toBe(0);
  expect(await cluster.checksums("rdb")).toEqual(before);
});

async function pidOf(pattern: RegExp): Promise<number | undefined> {
  const lines = [...(await cluster.processes(PLAIN)), ...(await cluster.processes(ZIPPED))];
  const line = lines.find((text) => pattern.test(text));
  return line === undefined ? undefined : Number(/^process (\d+)/.exec(line)?.[1]);
}
