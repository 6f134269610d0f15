import { closeSync, openSync, writeSync } from "node:fs";
import { withServer } from "./catalogue.ts";
import { failed } from "./dump-options.ts";
import { coordinatorFile, type DumpSetting } from "./dump-setting.ts";
import { instanceFileName } from "./file-names.ts";

/**
 * Writes the planner's statistics. The file is opened and closed again for its head, and then for
 * every table and every column: through a pipe, its reader sees as many ends.
 */
export async function writeStatistics(setting: DumpSetting): Promise<void> {
  const { names, instances, database } = setting;
  const { coordinator } = instances;
  const path = coordinatorFile(setting, instanceFileName(names, "gp_statistics", coordinator));
  await withServer(coordinator.port, database, async (client) => {
    append(path, HEAD, "w");
    const { rows: tables } = await client.query<{ oid: number }>(TABLES);
    for (const { oid } of tables) {
      const { rows } = await client.query<Row>(ROWS, [oid]);
      for (const row of rows) append(path, toText(row), "a");
    }
  });
}

interface Row {
  readonly schema: string;
  readonly table: string;
  readonly literal: string;
  readonly pages: number;
  readonly tuples: number;
  readonly column: string | null;
  readonly number: number | null;
}

/** Blocks this process, as the tool does, and fails as it does when the reader has just gone. */
function append(path: string, text: string, flag: "w" | "a"): void {
  const file = openSync(path, flag);
  try {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
  } catch (error) {
    const isBroken = (error as NodeJS.ErrnoException).code === "EPIPE";
    throw isBroken ? failed("[Errno 32] Broken pipe") : error;
  } finally {
    closeSync(file);
  }
}

const HEAD = `--
-- Allow system table modifications
--
set allow_system_table_mods=on;

`;

function toText({ schema, table, literal, pages, tuples, column, number }: Row): string {
  if (column === null) {
    return `--
-- Schema: ${schema}, Table: ${table}
--
UPDATE pg_class
SET
    relpages = ${pages}::int,
    reltuples = ${tuples}::real
WHERE oid = ${literal}::regclass;

`;
  }
  return `--
-- Schema: ${schema}, Table: ${table}, Attribute: ${column}
--

DELETE FROM pg_statistic WHERE starelid = ${literal}::regclass AND staattnum = ${number};

`;
}

const TABLES = `
  select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema')
  order by n.nspname, c.relname`;

/** The table itself, then its columns. */
const ROWS = `
  select n.nspname as schema, c.relname as table, relpages as pages, reltuples as tuples,
    quote_literal(c.oid::regclass) as literal, a.attname as column, a.attnum as number
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join (select attrelid, attname, attnum from pg_attribute where attnum > 0
      union all select oid, null, null from pg_class) as a on a.attrelid = c.oid
  where c.oid = $1 order by a.attnum nulls first`;
