import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { ByteStream } from "@penstock/common";

/** What pg_dump, and Greenplum's agents with it, write above each statement that makes a table. */
const HEADER = /^-- Name: (.+); Type: (?:EXTERNAL )?TABLE; Schema: (.+); Owner: /;

/**
 * Which of these tables, as SCHEMA.TABLE, a metadata dump does not make. None if it makes no table at
 * all: then it is no list of them. Reads it to its end, line by line.
 */
export async function missingTables(
  metadata: ByteStream,
  tables: readonly string[],
): Promise<readonly string[]> {
  const missing = new Set(tables);
  let isList = false;
  for await (const line of createInterface({ input: Readable.from(metadata) })) {
    const header = HEADER.exec(line);
    if (header === null) continue;
    isList = true;
    missing.delete(`${header[2]}.${header[1]}`);
  }
  return isList ? [...missing] : [];
}
