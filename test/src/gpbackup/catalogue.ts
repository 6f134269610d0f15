import type pg from "pg";

/** A table as gpbackup's files describe it; names are quoted where they must be. */
export interface Table {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly definition: string }[];
  /** Statements for after the rows. */
  readonly after: readonly { readonly kind: "CONSTRAINT" | "INDEX"; readonly sql: string }[];
  /** Said by its comment, since PostgreSQL has no append-optimized tables. */
  readonly appendOptimized: boolean;
}

/** All tables of a database by oid, with their columns, constraints and indexes. */
export async function readTables(client: pg.Client): Promise<Table[]> {
  const { rows } = await client.query<Table>(TABLES);
  return rows;
}

/** What changes with an append-optimized table: a number that any write makes another. */
export async function modCount(client: pg.Client, table: Table): Promise<bigint> {
  const { rows } = await client.query<{ count: string }>(
    `select coalesce(sum(xmin::text::bigint + 1), 0) as count from ${fullName(table)}`,
  );
  return BigInt(rows[0]?.count ?? 0);
}

/** `schema.table`. */
export function fullName({ schema, name }: Pick<Table, "schema" | "name">): string {
  return `${schema}.${name}`;
}

/** True if a filter names the table, with or without quotes. */
export function isNamed(table: Pick<Table, "schema" | "name">, filter: readonly string[]): boolean {
  const name = fullName(table);
  return filter.some((wanted) => wanted === name || wanted === name.replaceAll('"', ""));
}

const TABLES = `
  select c.oid::int as oid, quote_ident(n.nspname) as schema, quote_ident(c.relname) as name,
    coalesce(obj_description(c.oid, 'pg_class') = 'append-optimized', false) as "appendOptimized",
    coalesce((select jsonb_agg(jsonb_build_object('name', quote_ident(a.attname),
        'definition', concat_ws(' ', format_type(a.atttypid, a.atttypmod),
          'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), case when a.attnotnull then 'NOT NULL' end))
        order by a.attnum)
      from pg_attribute a left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]') as columns,
    coalesce((select jsonb_agg(jsonb_build_object('kind', 'CONSTRAINT', 'sql',
        format('ALTER TABLE ONLY %I.%I ADD CONSTRAINT %I %s;', n.nspname, c.relname, k.conname,
          pg_get_constraintdef(k.oid))))
      from pg_constraint k where k.conrelid = c.oid and k.contype in ('p', 'u', 'c')), '[]')
    || coalesce((select jsonb_agg(jsonb_build_object('kind', 'INDEX', 'sql',
        pg_get_indexdef(i.indexrelid) || ';'))
      from pg_index i where i.indrelid = c.oid and not exists
        (select from pg_constraint k where k.conindid = i.indexrelid)), '[]') as after
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema')
  order by c.oid`;
