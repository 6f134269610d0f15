/*
 * The text of a dump is a script for psql. Each line is an SQL statement, except:
 *
 *   COPY "schema"."table" (...) FROM stdin;    rows in COPY's text format follow, up to the line \.
 *   -- anything                                a comment
 *   -- copy-dump complete: {...}               the last line; the rows of each table
 *
 * Statements are in one transaction, so that psql too leaves nothing of a dump that was cut off.
 */

/** The first line. */
export const FIRST_LINE = "-- copy-dump 1: tables of a PostgreSQL database";
export const BEGIN = "BEGIN;";
export const COMMIT = "COMMIT;";
/** Ends a table's rows, after a line feed. No row looks like it: COPY doubles backslashes. */
export const END_OF_ROWS = "\\.\n";

const COMPLETE = "-- copy-dump complete: ";
const COPY_STATEMENT = /^COPY (".+") \(.*\) FROM stdin;$/;

/** Rows by table, as in the last line. */
export type RowCounts = Readonly<Record<string, number>>;

/** The statement before a table's rows. `table` and `columns` are quoted. */
export function toCopyStatement(table: string, columns: readonly string[]): string {
  return `COPY ${table} (${columns.join(", ")}) FROM stdin;`;
}

/** The quoted table whose rows follow; undefined if this is another kind of line. */
export function parseCopyStatement(line: string): string | undefined {
  return COPY_STATEMENT.exec(line)?.[1];
}

/** The last line. */
export function toLastLine(rows: RowCounts): string {
  return `${COMPLETE}${JSON.stringify(rows)}`;
}

/** The row counts, if this is the last line. */
export function parseLastLine(line: string): RowCounts | undefined {
  return line.startsWith(COMPLETE)
    ? (JSON.parse(line.slice(COMPLETE.length)) as RowCounts)
    : undefined;
}

/** True for a line that is for the eye only. */
export function isComment(line: string): boolean {
  return line.startsWith("--");
}
