import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Outcome, run } from "../harness/child.ts";
import { guardChildren } from "../harness/guard-children.ts";
import { TempDir } from "../harness/temp-dir.ts";
import { tableChecksums } from "../postgres/checksums.ts";
import { fillDatabase } from "../postgres/fill.ts";
import { PostgresServers } from "../postgres/servers.ts";
import { DumpReader } from "./dump-reader.ts";
import { writeCopyDumpLauncher } from "./launcher.ts";

guardChildren();
const signal = AbortSignal.timeout(600_000);
let temp: TempDir;
let servers: PostgresServers;
let copyDump: (command: string, path: string, database: string) => Promise<Outcome>;
let dump: string;
let databases = 0;
let empty: string;

beforeAll(async () => {
  temp = await TempDir.create();
  servers = await PostgresServers.start({ names: ["a"], dir: join(temp.path, "pg") }, signal);
  const server = servers.get("a");
  await server.createDatabase("app");
  await server.withClient("app", async (client) => {
    await fillDatabase(client, { bytes: 3_000_000, seed: 7 });
  });
  const launcher = await writeCopyDumpLauncher(temp.path);
  copyDump = async (command, path, database) => {
    const env = { ...process.env, ...server.clientEnv, PGDATABASE: database };
    return await run(launcher, [command, path], { env }, signal);
  };
  dump = join(temp.path, "app.dump");
  expect(await copyDump("out", dump, "app")).toMatchObject({ status: 0, stderr: "" });
}, 300_000);

beforeEach(async () => {
  databases += 1;
  empty = `restored_${databases}`;
  await servers.get("a").createDatabase(empty);
});

afterAll(async () => {
  await servers[Symbol.asyncDispose]();
  await temp[Symbol.asyncDispose]();
});

async function checksumsOf(database: string): ReturnType<typeof tableChecksums> {
  return await servers.get("a").withClient(database, tableChecksums);
}

test("a dump through a pipe becomes equal tables, with their keys and identities", async () => {
  const pipe = join(temp.path, "pipe");
  await run("mkfifo", [pipe], {}, signal);
  const [out, back] = await Promise.all([
    copyDump("out", pipe, "app"),
    copyDump("in", pipe, empty),
  ]);
  expect([out.stderr, back.stderr]).toEqual(["", ""]);
  expect([out.status, back.status]).toEqual([0, 0]);
  expect(await checksumsOf(empty)).toEqual(await checksumsOf("app"));
  const again = join(temp.path, "again.dump");
  await copyDump("out", again, empty);
  expect(await readFile(again, "utf8")).toBe(await readFile(dump, "utf8"));
});

test("a dump that is cut off anywhere leaves the database empty", async () => {
  const whole = await readFile(dump);
  const cuts = [0, 10, 400, 100_000, whole.length / 2, whole.length - 2000, whole.length - 2];
  const cut = join(temp.path, "cut.dump");
  for (const length of cuts) {
    // At the end of a row, where psql would take the cut for the end of the data.
    const end = whole.lastIndexOf("\n", Math.floor(length)) + 1;
    await writeFile(cut, whole.subarray(0, end));
    expect((await copyDump("in", cut, empty)).status).toBe(1);
    expect(await checksumsOf(empty)).toEqual({});
  }
});

test("a dump that lost one row leaves the database empty and says so", async () => {
  const lines = (await readFile(dump, "utf8")).split("\n");
  lines.splice(lines.findIndex((line) => line.startsWith("COPY ")) + 1, 1);
  const shorter = join(temp.path, "shorter.dump");
  await writeFile(shorter, lines.join("\n"));
  const outcome = await copyDump("in", shorter, empty);
  expect(outcome.status).toBe(1);
  expect(outcome.stderr).toMatch(/^copy-dump: the dump promises .* rows, not /);
  expect(await checksumsOf(empty)).toEqual({});
});

test("a database with a view is refused rather than dumped without it", async () => {
  await servers.get("a").withClient(empty, (client) => client.query("create view v as select 1"));
  const outcome = await copyDump("out", join(temp.path, "view.dump"), empty);
  expect(outcome).toMatchObject({
    status: 1,
    stderr: "copy-dump: only plain tables can be dumped, not public.v\n",
  });
});

test("the reader finds the mark wherever the input is cut into pieces", async () => {
  const text = "head\n\\.\nrow\\\\.\n\\.x\n\\.\ntail\n";
  for (let size = 1; size <= text.length; size += 1) {
    const reader = new DumpReader(pieces(text, size));
    const read = [await reader.line()];
    for (let table = 0; table < 2; table += 1) {
      let rows = "";
      for await (const piece of reader.linesUntil("\\.\n")) rows += piece;
      read.push(rows);
    }
    read.push(await reader.line(), await reader.line());
    expect(read).toEqual(["head", "", "row\\\\.\n\\.x\n", "tail", undefined]);
  }
});

async function* pieces(text: string, size: number): AsyncGenerator<Buffer> {
  for (let from = 0; from < text.length; from += size) {
    yield Buffer.from(text.slice(from, from + size));
  }
}
