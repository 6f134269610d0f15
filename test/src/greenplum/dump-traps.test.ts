import { constants, existsSync } from "node:fs";
import { open, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Child } from "../harness/child.ts";
import { guardChildren } from "../harness/guard-children.ts";
import { TempDir } from "../harness/temp-dir.ts";
import { untilFound, untilNone } from "../harness/until.ts";
import { GreenplumCluster } from "./cluster.ts";
import { PipeReaders, readAndVanish } from "./pipe-readers.ts";
import { asInSamples, readSample, withoutChance } from "./samples.ts";

guardChildren();
// They guard against what hangs alone: a slow machine is no failure.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const signal = AbortSignal.timeout(1_200_000);
const END = "--\n-- Greenplum Database database dump complete\n--\n\n";
let temp: TempDir;
let cluster: GreenplumCluster;

beforeAll(async () => {
  temp = await TempDir.create();
  cluster = await GreenplumCluster.start(
    {
      ...{ dir: join(temp.path, "gp"), coordinator: "mdw", segments: ["sdw1", "sdw1", "sdw2"] },
      settings: { lockPollMs: 50 },
    },
    signal,
  );
  await cluster.createDatabase("testdb", { rows: 60_000 });
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await temp[Symbol.asyncDispose]();
});

const inDumps = (name: string): string => join(cluster.dumpDirectory, "db_dumps/20261120", name);
const exists = (name: string): boolean => existsSync(inDumps(name));

/** Readers of all pipes but those whose names have a part of `leave`, and gpcrondump running. */
async function begin(
  key: string,
  leave: readonly string[],
  ...more: string[]
): Promise<{ readonly readers: PipeReaders; readonly tool: Child } & AsyncDisposable> {
  const args = ["-a", "-b", "-x", "testdb", "-K", key, "-u", cluster.dumpDirectory, ...more];
  await cluster.run("gpcrondump", [...args, "--list-backup-files"], signal);
  const into = join(temp.path, "read", key);
  const list = inDumps(`gp_dump_${key}_pipes`);
  const readers = await PipeReaders.start({ list, into, leave }, signal);
  const tool = await cluster.spawn("gpcrondump", args, signal);
  const dispose = async (): Promise<void> => {
    await tool[Symbol.asyncDispose]();
    await readers[Symbol.asyncDispose]();
  };
  return { readers, tool, [Symbol.asyncDispose]: dispose };
}

/** The number of a process of this cluster whose command line has the key and this. */
async function pidOf(key: string, pattern: RegExp): Promise<number> {
  return await untilFound(
    async () => {
      const line = (await cluster.processes(key)).find((text) => pattern.test(text));
      return line === undefined ? undefined : Number(/^process (\d+)/.exec(line)?.[1]);
    },
    `a process ${pattern} of ${key}`,
    signal,
  );
}

async function untilText(name: string, text: string): Promise<void> {
  const find = async (): Promise<true | undefined> => {
    const written = await readFile(inDumps(name), "utf8").catch(() => "");
    return written.includes(text) || undefined;
  };
  await untilFound(find, `${text} in ${name}`, signal);
}

const untilGone = (key: string): Promise<void> => untilNone(() => cluster.processes(key), signal);

/** True if a statement does not run for as long as something else has a lock. */
async function isBlocked(content: number, database: string, sql: string): Promise<boolean> {
  const text = `begin; set local lock_timeout = 300; ${sql}; rollback`;
  try {
    await cluster.query(content, database, text);
    return false;
  } catch (error) {
    if ((error as { code?: string }).code === "55P03") return true;
    throw error;
  }
}

/** A server notices a moment later that a client has died. */
async function untilFree(content: number, database: string, sql: string): Promise<void> {
  const find = async (): Promise<true | undefined> =>
    (await isBlocked(content, database, sql)) ? undefined : true;
  await untilFound(find, `${sql} not to be blocked`, signal);
}

test("a reader that dies fails the run, and the pipes that come later are never opened", async () => {
  const key = "20261120110600";
  const all = ["-g", "-G", "--dump-stats"];
  await cluster.configure({ lockPollMs: 600_000 }); // the sample says nothing of its release
  await using run = await begin(key, ["gp_dump_1_3"], ...all);
  await readAndVanish(run.readers.path("gp_dump_1_3"), 100_000);
  const outcome = await run.tool.outcome;
  await cluster.configure({ lockPollMs: 50 });
  expect(outcome.status).toBe(2);
  const said = asInSamples(outcome.stdout, cluster).replace(/.*Created public.*\n/, "");
  expect(said).toBe(withoutChance(await readSample("dump/F2/gpcrondump.txt")));
  for (const name of [`gp_dump_${key}.rpt`, `gp_dump_status_1_3_${key}`]) {
    const written = asInSamples(await readFile(inDumps(name), "utf8"), cluster);
    expect(written).toBe(withoutChance(await readSample(`dump/F2/${name}`)));
  }
  for (const part of ["gp_global", "master_config", "config_files_0_2"]) {
    expect((await run.readers.received(part)).length).toBe(0);
    expect(run.readers.reader(part).isRunning).toBe(true);
  }
});

test("a reader that vanishes with bytes in the pipe loses them, and the run is good", async () => {
  const key = "20261120110610";
  await using run = await begin(key, ["post_data"]);
  const pipe = run.readers.path("post_data");
  await readAndVanish(pipe, 100);
  expect(await run.tool.outcome).toMatchObject({ status: 0 });
  const report = await readFile(inDumps(`gp_dump_${key}.rpt`), "utf8");
  expect(report).toContain("finished successfully");
});

test("while gpcrondump runs another one exits with 0, also when it is to list", async () => {
  const key = "20261120110900";
  await using run = await begin(key, ["gp_dump_1_3"]);
  await pidOf(key, /gp_dump -p/);
  const other = ["-x", "testdb", "-K", "20261120110901", "-u", cluster.dumpDirectory];
  const second = await cluster.run("gpcrondump", [...other, "--list-backup-files"], signal);
  expect(second.status).toBe(0);
  const expected = withoutChance(await readSample("dump/J/second_gpcrondump.txt"));
  expect(withoutChance(second.stdout)).toBe(expected);
  expect(exists("gp_dump_20261120110901_pipes")).toBe(false);
  await run.readers.read(run.readers.path("gp_dump_1_3"), signal);
  expect(await run.tool.outcome).toMatchObject({ status: 0 });
});

test("a SIGTERM to gp_dump makes it report a success that there was not", async () => {
  const key = "20261120110910";
  await using run = await begin(key, ["gp_dump_1_3"]);
  await untilText(`gp_dump_status_1_3_${key}`, "TASK_GOTLOCKS");
  await run.tool.stdout.waitFor(/Releasing pg_class lock/, signal);
  expect(await isBlocked(1, "testdb", "alter table t_heap add column z int")).toBe(true);
  expect(await isBlocked(1, "testdb", "insert into t_empty values (1)")).toBe(false);
  await untilFree(-1, "testdb", "create table x (i int)"); // it is said before it is done
  process.kill(await pidOf(key, /gp_dump -p/), "SIGTERM");
  const outcome = await run.tool.outcome;
  expect(outcome.status).toBe(0);
  const said = asInSamples(outcome.stdout, cluster).replaceAll(key, "20261120110700");
  const sample = withoutChance(await readSample("dump/H/gpcrondump.txt"));
  expect(said.replace("11:09:10", "11:07:00")).toBe(sample);
  const report = await readFile(inDumps(`gp_dump_${key}.rpt`), "utf8");
  expect(report.match(/: Succeeded $/gm)).toHaveLength(5);
  const status = await readFile(inDumps(`gp_dump_status_1_3_${key}`), "utf8");
  expect(status).not.toContain("Finished successfully");
  // Asked to end, the agent stays for as long as nobody takes what it has written.
  const agent = await pidOf(key, /node .*gp_dump_agent --gp-k .*_0_3_/);
  process.kill(agent, "SIGTERM");
  await untilText(`gp_dump_status_1_3_${key}`, "aborted because of error");
  expect((await cluster.processes(key)).join("\n")).toContain(`process ${agent}:`);
  await (await run.readers.read(run.readers.path("gp_dump_1_3"), signal)).outcome;
  await untilGone(key);
  const text = gunzipSync(await run.readers.received("gp_dump_1_3")).toString();
  expect(text.endsWith(END)).toBe(false);
  const said13 = await readFile(inDumps(`gp_dump_status_1_3_${key}`), "utf8");
  const sample13 = await readSample("dump/H/gp_dump_status_1_3_20261120110700");
  const tail = (from: string): string => withoutChance(from.slice(from.indexOf("in my_handler")));
  expect(tail(said13).replace(/COPY .*TO stdout/, "COPY")).toBe(
    tail(sample13).replace(/COPY .*TO stdout/, "COPY"),
  );
});

test("post-data without a reader blocks changes of the schema, in the dumped database alone", async () => {
  const key = "20261120110920";
  await using run = await begin(key, ["post_data"]);
  await untilText(`gp_dump_status_1_3_${key}`, "Finished successfully");
  await pidOf(key, /cat .*post_data_temp/);
  const create = "create table x (i int)";
  expect(await isBlocked(-1, "testdb", create)).toBe(true);
  expect(await isBlocked(-1, "testdb", "select from t_heap; insert into t_heap values (-1)")).toBe(
    false,
  );
  expect(await isBlocked(-1, "postgres", create)).toBe(false);
  // The way out: gpcrondump alone, gp_dump for good, and then a reader for what its server sends.
  const dump = await pidOf(key, /gp_dump -p/);
  run.tool.kill("SIGTERM");
  await run.tool.exited;
  process.kill(dump, "SIGKILL");
  await run.readers.read(run.readers.path("post_data"), signal);
  await untilGone(key);
  await untilFree(-1, "testdb", create);
  expect(exists(`gp_dump_${key}.rpt`)).toBe(false);
});

test("a killed gpcrondump leaves its dump, which ends and reports success when it is read", async () => {
  const key = "20261120110930";
  await using run = await begin(key, ["gp_dump"]);
  await untilText(`gp_dump_status_1_3_${key}`, "TASK_GOTLOCKS");
  run.tool.kill("SIGINT");
  await run.tool.exited;
  await untilFree(-1, "testdb", "create table x (i int)");
  expect((await cluster.processes(key)).join("\n")).toMatch(/gp_dump -p/);
  for (const path of run.readers.paths) await run.readers.read(path, signal);
  await untilGone(key);
  const report = await readFile(inDumps(`gp_dump_${key}.rpt`), "utf8");
  expect(report).toContain("gp_dump utility finished successfully.");
  expect(exists(`gp_dump_${key}_ao_state_file`)).toBe(false);
  expect(exists(`gp_dump_${key}_last_operation`)).toBe(false);
  expect((await run.tool.outcome).status).toBe(2);
});

test("a killed agent is noticed late, and leaves a well-formed stream that is not whole", async () => {
  const key = "20261120111000";
  await using run = await begin(key, ["gp_dump_1_3"]);
  await untilText(`gp_dump_status_1_3_${key}`, "TASK_GOTLOCKS");
  process.kill(await pidOf(key, /node .*gp_dump_agent --gp-k .*_0_3_/), "SIGKILL");
  await (await run.readers.read(run.readers.path("gp_dump_1_3"), signal)).outcome;
  const text = gunzipSync(await run.readers.received("gp_dump_1_3")).toString();
  expect(text.endsWith(END)).toBe(false);
  expect(run.tool.isRunning).toBe(true);
  await cluster.configure({ dead: [1] });
  const outcome = await run.tool.outcome;
  await cluster.configure({ dead: [] });
  expect(outcome.status).toBe(2);
  expect(outcome.stdout).not.toContain("indicates errors");
  const report = asInSamples(await readFile(inDumps(`gp_dump_${key}.rpt`), "utf8"), cluster);
  expect(report).toBe(await readSample(`dump/K1/gp_dump_${key}.rpt`));
});

test("a SIGTERM to all that names an agent's key ends what waits for a reader", async () => {
  const key = "20261120111010";
  await using run = await begin(key, ["gp_dump_1_3"]);
  await untilText(`gp_dump_status_1_3_${key}`, "TASK_GOTLOCKS");
  await run.tool.stdout.waitFor(/Releasing pg_class lock/, signal);
  run.tool.kill("SIGTERM");
  process.kill(await pidOf(key, /gp_dump -p/), "SIGKILL");
  for (const line of await cluster.processes(key)) {
    if (!line.includes(`gp_dump_agent --gp-k ${key}_`)) continue;
    process.kill(Number(/^process (\d+)/.exec(line)?.[1]), "SIGTERM");
  }
  await untilGone(key);
  await untilFree(1, "testdb", "alter table t_heap add column z int");
});

test("-r after a failure crashes and removes nothing", async () => {
  const key = "20261120111020";
  await using run = await begin(key, ["gp_dump_1_3"], "-r");
  await readAndVanish(run.readers.path("gp_dump_1_3"), 100);
  const outcome = await run.tool.outcome;
  expect(outcome.status).toBe(2);
  expect(outcome.stdout).toContain(
    "(Reason=''str' object has no attribute 'dump_dir'') exiting...",
  );
  expect(exists(`gp_dump_${key}.rpt`)).toBe(true);
});

test("a reader of statistics that goes at the wrong moment kills the run", async () => {
  const key = "20261120111040";
  const path = inDumps(`gp_statistics_-1_1_${key}`);
  await using run = await begin(key, ["gp_statistics"], "--dump-stats");
  const reader = await open(path, constants.O_RDWR | constants.O_NONBLOCK);
  const junk = Buffer.alloc(4096);
  for (let full = false; !full; ) {
    full = await reader.write(junk).then(
      () => false,
      () => true,
    );
  }
  await untilFound(() => hasOpened(run.tool.pid, path), "the pipe to be opened", signal);
  await reader.close();
  const outcome = await run.tool.outcome;
  expect(outcome.status).toBe(2);
  expect(outcome.stdout).toContain(
    "[CRITICAL]:-gpcrondump failed. (Reason='[Errno 32] Broken pipe') exiting...",
  );
});

test("a segment whose server process is killed is reported with errors, and fails the run", async () => {
  const key = "20261120111050";
  await using run = await begin(key, ["gp_dump_1_3"]);
  await untilText(`gp_dump_status_1_3_${key}`, "TASK_GOTLOCKS");
  const find = async (): Promise<number | undefined> => {
    const { rows } = await cluster.query(1, "testdb", COPYING);
    return rows[0]?.pid;
  };
  process.kill(await untilFound(find, "the server process", signal), "SIGKILL");
  await run.readers.read(run.readers.path("gp_dump_1_3"), signal);
  const outcome = await run.tool.outcome;
  expect(outcome.status).toBe(2);
  expect(outcome.stdout).toContain("[WARNING]:-Dump process returned exit code 2");
  expect(outcome.stdout).not.toContain("indicates errors");
  const report = await readFile(inDumps(`gp_dump_${key}.rpt`), "utf8");
  const text = `connection went down for backup key ${key}, role 0, dbid 3`;
  expect(report).toContain(`: Finished but errors were found: \n{ ${text}\n}\n`);
  expect(report).toContain("\ngp_dump utility finished but errors were found.\n");
});

const COPYING = "select pid from pg_stat_activity where query like 'COPY %'";

async function hasOpened(pid: number, path: string): Promise<true | undefined> {
  const folder = `/proc/${pid}/fd`;
  const links = (await readdir(folder).catch(() => [])).map((fd) =>
    readlink(join(folder, fd)).catch(() => ""),
  );
  return (await Promise.all(links)).includes(path) || undefined;
}
