import pg from "pg";

/** A share of a table: the rows that are this segment's. */
interface Share {
  readonly content: number;
  readonly segments: number;
}

/**
 * Makes the tables of a test database in an empty one, without rows: on every server, since a
 * coordinator has no rows of its own. The names and kinds are those of the sample files.
 */
export async function createTables(client: pg.Client): Promise<void> {
  await client.query(SCHEMA);
}

/** Fills a segment's tables with its share of `rows` rows of `t_heap`, and of some of the others. */
export async function fillShare(client: pg.Client, share: Share, rows: number): Promise<void> {
  for (const insert of ROWS) {
    await client.query(insert, [rows, share.segments, share.content]);
  }
}

/** Drops a database if it is there, and makes it anew, empty, where it is wanted. */
export async function recreateDatabase(
  client: pg.Client,
  database: string,
  isWanted: boolean,
): Promise<void> {
  const name = pg.escapeIdentifier(database);
  await client.query(`drop database if exists ${name}`);
  if (isWanted) await client.query(`create database ${name} template template0 encoding 'UTF8'`);
}

const SCHEMA = `
  create schema s2;
  create table t_heap (
    id bigint not null, grp integer, txt text,
    ts timestamp without time zone default '2020-01-01 00:00:00');
  alter table t_heap add constraint t_heap_pk primary key (id);
  create index t_heap_grp on t_heap (grp);
  create table t_ao (id integer, v text);
  create table t_co (id integer, a integer, v text);
  create table t_empty (x integer, y text);
  create table "We ird" (id integer, "Col One" text);
  create table s2."Größe ""x"".y" ("Straße" text, "select" integer);
  create table s2.t_random (id integer, j text);
  create view s2.v as select grp, count(*) as c from public.t_heap group by grp;
  create sequence s2.sq;
`;

/** What belongs to segment $3 of $2. */
const series = (limit: string): string =>
  `from generate_series(1, ${limit}) as i where abs(hashint8(i)) % $2::integer = $3::integer`;

const ROWS = [
  `insert into t_heap select i, i % 100,
     md5(i::text) || (array['', E'\\ttab', E'\\nline', E'\\\\. back', ' ü 東京'])[1 + i % 5] ${series("$1::integer")}`,
  `insert into t_ao select i, md5(i::text) || repeat('x', i % 100) ${series("greatest($1::integer / 4, 40)")}`,
  `insert into t_co select i, i * 7, md5((i + 1)::text) ${series("greatest($1::integer / 8, 40)")}`,
  `insert into "We ird" select i, (array[E'tab\\there', E'new\\nline', null, '', '\\N'])[1 + i % 5]
   ${series("least($1::integer, 50)")}`,
  `insert into s2."Größe ""x"".y" select chr(192 + i % 60), i ${series("least($1::integer, 200)")}`,
  `insert into s2.t_random select i, md5((i * 3)::text) ${series("least($1::integer, 5000)")}`,
];
