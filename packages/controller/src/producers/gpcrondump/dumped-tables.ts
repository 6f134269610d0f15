import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { ByteStream } from "@penstock/common";

/** What pg_dump, and Greenplum's agents with it, write above each statement that makes a table. */
const HEADER = /^-- Name: (.+); Type: (?:EXTERNAL )?TABLE; Schema: (.+); Owner: /;

/**
 * Which of these tables, as SCHEMA.TABLE, a metadata dump does not make. Parts of a partitioned table are
 * not made apart from it. None if it makes no table at all: then it is no list of them. Reads it to its
 * end, line by line.
 */
export async function missingTables(
  metadata: ByteStream,
  tables: readonly string[],
): Promise<readonly string[]> {
  const missing = new Map(tables.map((table) => [wholeOf(table), table]));
  let isList = false;
  for await (const line of createInterface({ input: Readable.from(metadata) })) {
    const header = HEADER.exec(line);
    if (header === null) continue;
    isList = true;
    missing.delete(`${header[2]}.${header[1]}`);
  }
  return isList ? [...missing.values()] : [];
}

/** The table without quotes, of which it is a part or which it is: Greenplum calls parts SALES_1_PRT_JAN. */
function wholeOf(table: string): string {
  return table.replaceAll('"', "").replace(/_\d+_prt_.*$/, "");
}
