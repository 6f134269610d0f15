import pg from "pg";

/** What is in a table: equal for equal rows in any order. */
export interface TableChecksum {
  readonly rows: number;
  readonly md5: string;
}

/**
 * Row count and checksum of every table of a database, by `schema.table`, taken by the server in
 * one snapshot. Two tables with the same columns and the same rows have the same checksum.
 */
export async function tableChecksums(client: pg.Client): Promise<Record<string, TableChecksum>> {
  await client.query("begin isolation level repeatable read read only");
  await client.query(TEXT_SETTINGS);
  const tables = await client.query<{ schema: string; name: string }>(TABLES);
  const checksums: Record<string, TableChecksum> = {};
  for (const { schema, name } of tables.rows) {
    checksums[`${schema}.${name}`] = await checksum(client, schema, name);
  }
  await client.query("commit");
  return checksums;
}

/** How values look as text depends on these. */
const TEXT_SETTINGS = `
  set local datestyle = 'ISO'; set local intervalstyle = 'postgres'; set local timezone = 'UTC';
  set local bytea_output = 'hex'; set local extra_float_digits = 3;
`;

const TABLES = `
  select schemaname as schema, tablename as name from pg_tables
  where schemaname not in ('pg_catalog', 'information_schema') order by 1, 2
`;

async function checksum(client: pg.Client, schema: string, name: string): Promise<TableChecksum> {
  const table = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
  // Sums of both halves of each row's digest: no sort, no order, and duplicates count.
  const result = await client.query<{ rows: string; md5: string }>(`
    select count(*) as rows, md5(concat_ws(' ', count(*), sum(left_half), sum(right_half))) as md5
    from (select ('x' || left(digest, 16))::bit(64)::bigint as left_half,
        ('x' || right(digest, 16))::bit(64)::bigint as right_half
      from (select md5(row_data::text) as digest from ${table} as row_data) as digests) as halves`);
  const [row] = result.rows;
  if (!row) throw new Error(`no checksum of ${table}`);
  return { rows: Number(row.rows), md5: row.md5 };
}
