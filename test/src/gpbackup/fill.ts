import type pg from "pg";

/** What is in a database. */
export interface FillOptions {
  /** How many tables; at least the seven that are odd in one way or another. Default: those. */
  readonly tables?: number;
  /** Rows of the biggest table on each segment, of about 90 bytes; default 300. */
  readonly rows?: number;
  /** Other seeds make other rows; default 1. */
  readonly seed?: number;
}

/** How many tables there always are. */
const ODD_TABLES = 7;

/** Makes the tables, on the coordinator and on each segment. */
export async function createTables(client: pg.Client, options: FillOptions): Promise<void> {
  await client.query(SCHEMA);
  for (const name of furtherTables(options)) {
    await client.query(`create table ${name} (id integer, v text)`);
  }
}

/** Gives a segment its share of the rows. */
export async function insertRows(
  client: pg.Client,
  content: number,
  { rows = 300, seed = 1, ...options }: FillOptions,
): Promise<void> {
  for (const statement of ROWS) await client.query(statement, [rows, content + 1000 * seed]);
  for (const [index, name] of furtherTables(options).entries()) {
    if (index % 3 === 2) continue; // it stays empty
    await client.query(
      `insert into ${name} select i, md5((i + $1)::text) from generate_series(1, 20) as i`,
      [content + 1000 * seed],
    );
  }
}

function furtherTables({ tables = ODD_TABLES }: FillOptions): string[] {
  const count = Math.max(0, tables - ODD_TABLES);
  return Array.from({ length: count }, (_, index) => `public.t_${`${index}`.padStart(5, "0")}`);
}

const SCHEMA = `
  create table public.t_heap (
    id bigint primary key,
    grp integer,
    txt text,
    ts timestamp not null default timestamp '2020-01-01 00:00:00'
  );
  create index t_heap_grp on public.t_heap (grp);
  create table public.t_ao (id integer, v text);
  comment on table public.t_ao is 'append-optimized';
  create table public.t_binary (id integer unique, content bytea, weights double precision[]);
  create schema s2;
  create table s2.t_random (id integer, j text);
  create table public.t_empty (x integer, y text);
  create table public."We ird" (id integer, "Col One" text);
  create table s2."Größe ""x"" y" ("Straße" text, "select" integer, "a b" interval);
`;

/** Each takes the number of rows and the share's seed. */
const ROWS = [
  `insert into public.t_heap
   select i * 1000 + $2::bigint, i % 97, case when i % 50 > 0 then md5((i + $2)::text) || md5(i::text) end,
     timestamp '2020-01-01' + i * interval '1 minute'
   from generate_series(1, $1::bigint) as i`,
  `insert into public.t_ao
   select i, (array[null, '', ',', '"', 'two', E'two\\nlines', E'\\\\.', '\\N', 'ü 🚰', E'tab\\t'])[1 + i % 10]
     || md5((i + $2::bigint)::text)
   from generate_series(1, 1 + $1::bigint / 3) as i`,
  `insert into public.t_binary
   select i, sha256(convert_to((i + $2::bigint)::text, 'UTF8')), array[i / 7.0, 'NaN', -i]
   from generate_series(1, 1 + $1::bigint / 10) as i`,
  `insert into s2.t_random
   select i, case when i % 3 > 0 then '' end
   from generate_series(1, 1 + ($1::bigint + $2::bigint) % 40) as i`,
  `insert into public."We ird"
   select i, 'content ' || $2::bigint from generate_series(1, 2 - ($1::bigint + $2::bigint) % 3) as i`,
  `insert into s2."Größe ""x"" y"
   select case when i % 4 > 0 then chr((192 + i % 60)::int) || E'\\r\\n' end, i + $2::bigint, i * interval '61 minutes'
   from generate_series(1, 1 + $1::bigint % 50) as i`,
];
