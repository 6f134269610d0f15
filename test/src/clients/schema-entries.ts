import type pg from "pg";
import { FROM_TABLES, OURS, readTables, TABLE, toCreateTable } from "../tools/dump-schema.ts";

/** A part of a schema's dump. */
export interface SchemaEntry {
  readonly type: string;
  /** `-` of a schema. */
  readonly schema: string;
  /** Of a constraint, the table's before its own. */
  readonly name: string;
  readonly owner: string;
  /** With quotes, the table that it is or belongs to; null of all else. */
  readonly table: string | null;
  readonly sql: string;
}

/** What of a schema comes before the rows, and what after. */
export type Section = "pre-data" | "post-data";

/**
 * Reads a section of a database's schema. All names in its SQL have their schemas. It knows schemas,
 * sequences, tables, views, constraints and indexes; throws if the database has other things, rather than
 * leave them out.
 */
export async function readEntries(client: pg.Client, section: Section): Promise<SchemaEntry[]> {
  await client.query("set search_path = ''");
  const { rows: others } = await client.query<{ name: string }>(OTHERS);
  if (others.length > 0) {
    throw new Error(`cannot dump ${others.map(({ name }) => name).join(", ")}`);
  }
  const queries =
    section === "pre-data"
      ? [SCHEMAS, SEQUENCES, TABLES, VIEWS]
      : [constraints("'p', 'u', 'c', 'x'"), INDEXES, constraints("'f'")];
  const entries: SchemaEntry[] = [];
  for (const query of queries) entries.push(...(await client.query<SchemaEntry>(query)).rows);
  return section === "pre-data" ? await withTables(client, entries) : entries;
}

/** The statements of tables, which are no query's. */
async function withTables(
  client: pg.Client,
  entries: readonly SchemaEntry[],
): Promise<SchemaEntry[]> {
  const tables = new Map((await readTables(client)).map((table) => [table.name, table]));
  return entries.map((entry) => {
    const table = entry.type === "TABLE" ? tables.get(entry.table ?? "") : undefined;
    return table ? { ...entry, sql: toCreateTable(table) } : entry;
  });
}

const OTHERS = `
  select c.oid::regclass::text as name ${FROM_TABLES}
  where ${OURS} and (c.relkind not in ('r', 'i', 't', 'v', 'S') or c.relkind = 'S' and exists
    (select from pg_depend d where d.objid = c.oid and d.deptype = 'a'))
  union all
  select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where ${OURS}
  union all
  select t.tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid
    join pg_namespace n on n.oid = c.relnamespace
  where ${OURS} and not t.tgisinternal`;

const SCHEMAS = `
  select 'SCHEMA' as type, '-' as schema, n.nspname as name, n.nspowner::regrole::text as owner,
    null as table, format('CREATE SCHEMA %I;', n.nspname) as sql
  from pg_namespace n where ${OURS} and n.nspname <> 'public' order by n.nspname`;

const RELATION = "n.nspname as schema, c.relname as name, c.relowner::regrole::text as owner";

/** But for those of identity columns, which come with their tables. */
const SEQUENCES = `
  select 'SEQUENCE' as type, ${RELATION}, null as table,
    format('CREATE SEQUENCE %s AS %s START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s%s;',
      ${TABLE}, format_type(s.seqtypid, null), s.seqstart, s.seqincrement, s.seqmin, s.seqmax,
      s.seqcache, case when s.seqcycle then ' CYCLE' end) as sql
  ${FROM_TABLES} join pg_sequence s on s.seqrelid = c.oid
  where ${OURS} and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'i')
  order by n.nspname, c.relname`;

const TABLES = `
  select 'TABLE' as type, ${RELATION}, ${TABLE} as table, '' as sql
  ${FROM_TABLES} where ${OURS} and c.relkind = 'r' order by n.nspname, c.relname`;

/** A view may be made of older ones. */
const VIEWS = `
  select 'VIEW' as type, ${RELATION}, ${TABLE} as table,
    format('CREATE VIEW %s AS%s%s', ${TABLE}, chr(10), pg_get_viewdef(c.oid)) as sql
  ${FROM_TABLES} where ${OURS} and c.relkind = 'v' order by c.oid`;

const constraints = (kinds: string): string => `
  select case k.contype when 'f' then 'FK CONSTRAINT' when 'c' then 'CHECK CONSTRAINT'
      else 'CONSTRAINT' end as type, n.nspname as schema,
    c.relname || ' ' || k.conname as name, c.relowner::regrole::text as owner, ${TABLE} as table,
    format('ALTER TABLE ONLY %s ADD CONSTRAINT %I %s;', ${TABLE}, k.conname,
      pg_get_constraintdef(k.oid)) as sql
  ${FROM_TABLES} join pg_constraint k on k.conrelid = c.oid
  where ${OURS} and k.contype in (${kinds}) order by n.nspname, c.relname, k.conname`;

const INDEXES = `
  select 'INDEX' as type, n.nspname as schema, (select relname from pg_class where oid = i.indexrelid) as name,
    c.relowner::regrole::text as owner, ${TABLE} as table, pg_get_indexdef(i.indexrelid) || ';' as sql
  ${FROM_TABLES} join pg_index i on i.indrelid = c.oid
  where ${OURS} and not exists (select from pg_constraint k where k.conindid = i.indexrelid)
  order by 1, 2, 3`;
