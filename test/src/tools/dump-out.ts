import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type pg from "pg";
import { to as copyTo } from "pg-copy-streams";
import { readSchema } from "./dump-schema.ts";
import {
  BEGIN,
  COMMIT,
  END_OF_ROWS,
  FIRST_LINE,
  toCopyStatement,
  toLastLine,
} from "./dump-text.ts";

/**
 * Writes every table of a database, as of one moment, to `sink`, as fast as it takes it, and ends
 * it. Returns when all has been taken. On an error the sink is closed without the last line.
 */
export async function writeDump(client: pg.Client, sink: Writable): Promise<void> {
  await pipeline(dumpText(client), sink);
}

/** Settings under which names and values are written in full. */
const SETTINGS = `
  set client_encoding = 'UTF8'; set search_path = ''; set extra_float_digits = 3;
  set timezone = 'UTC'; set datestyle = 'ISO'; set intervalstyle = 'postgres';
  set bytea_output = 'hex';
`;

async function* dumpText(client: pg.Client): AsyncGenerator<string | Buffer, void, undefined> {
  await client.query(`${SETTINGS} begin isolation level repeatable read read only`);
  const { before, tables, after } = await readSchema(client);
  yield toLines([FIRST_LINE, BEGIN, ...before]);
  const copies = new Map<string, { readonly rowCount: number }>();
  for (const { name, columns } of tables) {
    yield toLines([toCopyStatement(name, columns)]);
    const copy = client.query(copyTo(`COPY ${name} (${columns.join(", ")}) TO STDOUT`));
    copies.set(name, copy);
    yield* copy;
    yield END_OF_ROWS;
  }
  await client.query("commit"); // also waits for the row counts, which come after the rows
  const rows = Object.fromEntries([...copies].map(([name, { rowCount }]) => [name, rowCount]));
  yield toLines([...after, COMMIT, toLastLine(rows)]);
}

function toLines(lines: readonly string[]): string {
  const broken = lines.find((line) => line.includes("\n"));
  if (broken) throw new Error(`cannot write a name or default with a line feed: ${broken}`);
  return `${lines.join("\n")}\n`;
}
