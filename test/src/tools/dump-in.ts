import { pipeline } from "node:stream/promises";
import { isDeepStrictEqual } from "node:util";
import type pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { DumpReader } from "./dump-reader.ts";
import {
  BEGIN,
  COMMIT,
  END_OF_ROWS,
  FIRST_LINE,
  isComment,
  parseCopyStatement,
  parseLastLine,
  type RowCounts,
} from "./dump-text.ts";

/**
 * Reads a dump into an empty database, in one transaction. It is committed only when the last line
 * has been seen and names as many rows of each table as were loaded: a dump that was cut off
 * leaves nothing.
 */
export async function readDump(client: pg.Client, source: AsyncIterable<Buffer>): Promise<void> {
  const reader = new DumpReader(source);
  if ((await reader.line()) !== FIRST_LINE) throw new Error("the input is not a dump");
  await client.query("set client_encoding = 'UTF8'; set search_path = ''; begin");
  const rows: Record<string, number> = {};
  for (let line = await reader.line(); ; line = await reader.line()) {
    if (line === undefined) throw new Error("the input ends before the dump does");
    const promised = parseLastLine(line);
    if (promised) {
      await assertWhole(reader, promised, rows);
      break;
    }
    const table = parseCopyStatement(line);
    if (table !== undefined) rows[table] = await loadRows(client, line, reader);
    else if (!isComment(line) && line !== BEGIN && line !== COMMIT) await client.query(line);
  }
  await client.query("commit");
}

async function loadRows(client: pg.Client, statement: string, reader: DumpReader): Promise<number> {
  const copy = client.query(copyFrom(statement));
  await pipeline(reader.linesUntil(END_OF_ROWS), copy);
  return copy.rowCount;
}

async function assertWhole(
  reader: DumpReader,
  promised: RowCounts,
  loaded: RowCounts,
): Promise<void> {
  if ((await reader.line()) !== undefined) throw new Error("there is more after the dump's end");
  if (isDeepStrictEqual(promised, loaded)) return;
  throw new Error(
    `the dump promises ${JSON.stringify(promised)} rows, not ${JSON.stringify(loaded)}`,
  );
}
