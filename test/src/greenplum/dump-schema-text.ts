import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import type { AgentTask } from "./agent-run.ts";
import { COPY_END, copyHead, DUMP_END, DUMP_HEAD, type DumpedTable } from "./dump-segment-text.ts";
import { instanceFileName, postDataName } from "./file-names.ts";
import { GPADMIN, type GreenplumState } from "./state.ts";

const LIMIT_BYTES = 256 * 1024 * 1024;

/** The coordinator's dump: the schema up to the data, and every table without rows. */
export async function* coordinatorText(
  state: GreenplumState,
  task: AgentTask,
  tables: readonly DumpedTable[],
): AsyncGenerator<string, void, undefined> {
  yield DUMP_HEAD;
  yield await schema(state, task, "pre-data", tables);
  for (const table of tables) yield copyHead(table) + COPY_END;
  yield DUMP_END;
}

/** Leaves the schema after the data for the backend, and the statement that makes the database. */
export async function writePostData(
  state: GreenplumState,
  task: AgentTask,
  tables: readonly DumpedTable[],
): Promise<void> {
  const { folder, prefix, channel, database } = task;
  const [key = "", , dbid] = channel.split("_");
  const names = { key, prefix, naming: state.settings.naming, isCompressed: false };
  const coordinator = { content: -1, dbid: Number(dbid) };
  const postData = `${DUMP_HEAD}${await schema(state, task, "post-data", tables)}${DUMP_END}`;
  await writeFile(join(folder, `${postDataName(names, coordinator)}_temp`), postData);
  const name = pg.escapeIdentifier(database).replace(/^"([a-z_][a-z0-9_]*)"$/, "$1");
  await writeFile(
    join(folder, instanceFileName(names, "gp_cdatabase", coordinator)),
    `--
-- Database creation
--

CREATE DATABASE ${name} WITH TEMPLATE = template0 ENCODING = 'UTF8' OWNER = ${GPADMIN};
`,
  );
}

/** A section of pg_dump's text, without its own head and end. */
async function schema(
  { postgres }: GreenplumState,
  { port, database, filter }: AgentTask,
  section: "pre-data" | "post-data",
  tables: readonly DumpedTable[],
): Promise<string> {
  const only = tables.map(({ schema, table }) => `--table=${quoted(schema)}.${quoted(table)}`);
  if (filter !== undefined && only.length === 0) return "";
  const args = [
    ...["-h", "127.0.0.1", "-p", String(port), "-U", GPADMIN, `--section=${section}`],
    ...(filter === undefined ? [] : only),
    database,
  ];
  const options = { maxBuffer: LIMIT_BYTES };
  const { stdout } = await promisify(execFile)(postgres.pg_dump, args, options);
  return stdout
    .replace(/^--\n-- PostgreSQL database dump\n--\n/m, "")
    .replace(/--\n-- PostgreSQL database dump complete\n--\n\s*/, "")
    .replace(/^\\(un)?restrict .*\n/gm, "")
    .trimStart();
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
