import { readFile } from "node:fs/promises";
import type pg from "pg";
import { to as copyTo } from "pg-copy-streams";
import type { AgentTask } from "./agent-run.ts";
import { GPADMIN } from "./state.ts";

/** A table that a dump has. */
export interface DumpedTable {
  readonly schema: string;
  readonly table: string;
  /** Quoted where it must be. */
  readonly name: string;
  readonly columns: readonly string[];
}

/** The first lines of every dump. */
export const DUMP_HEAD = `--
-- Greenplum Database database dump
--

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET check_function_bodies = false;
SET client_min_messages = warning;

`;

/** The last lines of every dump that is whole. */
export const DUMP_END = `--
-- Greenplum Database database dump complete
--

`;

/** The tables of a database that the agent's filter lets through. */
export async function findTables(
  client: pg.Client,
  { filter, filterFile }: AgentTask,
): Promise<DumpedTable[]> {
  const { rows } = await client.query<DumpedTable>(TABLES);
  if (filter === undefined || filterFile === undefined) return rows;
  const listed = (await readFile(filterFile, "utf8")).split("\n");
  const isOfTables = filter.endsWith("table-file");
  return rows.filter(({ schema, table }) => {
    const isListed = listed.includes(isOfTables ? `${schema}.${table}` : schema);
    return filter.startsWith("exclude-") ? !isListed : isListed;
  });
}

/** Until the transaction ends nobody can change these tables. */
export async function lockTables(client: pg.Client, tables: readonly DumpedTable[]): Promise<void> {
  if (tables.length === 0) return;
  const names = tables.map(({ name }) => name).join(", ");
  await client.query(`lock table ${names} in access share mode`);
}

/** A segment's dump: the rows of its tables. */
export async function* segmentText(
  client: pg.Client,
  tables: readonly DumpedTable[],
  tell: (table: DumpedTable) => void,
): AsyncGenerator<string | Buffer, void, undefined> {
  yield DUMP_HEAD;
  for (const table of tables) {
    tell(table);
    yield copyHead(table);
    const { name, columns } = table;
    yield* client.query(copyTo(`COPY ${name} (${columns.join(", ")}) TO STDOUT`));
    yield COPY_END;
  }
  const { rows } = await client.query<SequenceRow>(SEQUENCES);
  for (const { schema, sequence, call } of rows) {
    yield `--\n-- Name: ${sequence}; Type: SEQUENCE SET; Schema: ${schema}; Owner: ${GPADMIN}\n--\n\n${call}\n\n\n`;
  }
  yield DUMP_END;
}

/** What comes before a table's rows. */
export function copyHead({ schema, table, name, columns }: DumpedTable): string {
  return `--
-- Data for Name: ${table}; Type: TABLE DATA; Schema: ${schema}; Owner: ${GPADMIN}
--

COPY ${name} (${columns.join(", ")}) FROM stdin;
`;
}

/** What comes after a table's rows. */
export const COPY_END = "\\.\n\n\n";

interface SequenceRow {
  readonly schema: string;
  readonly sequence: string;
  readonly call: string;
}

const TABLES = `
  select n.nspname as schema, c.relname as table, format('%I.%I', n.nspname, c.relname) as name,
    array(select quote_ident(attname) from pg_attribute
      where attrelid = c.oid and attnum > 0 and not attisdropped order by attnum) as columns
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  order by 1, 2`;

const SEQUENCES = `
  select schemaname as schema, sequencename as sequence,
    format('SELECT pg_catalog.setval(%L, %s, %L);', format('%I.%I', schemaname, sequencename),
      coalesce(last_value, start_value), last_value is not null) as call
  from pg_sequences order by 1, 2`;
