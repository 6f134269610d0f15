import { pipeline } from "node:stream/promises";
import pg from "pg";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";
import { untilFed } from "./fed.ts";
import type { CopyProgram } from "./program.ts";

/** A COPY that has been done on one segment, in a transaction that is still open. */
export interface OpenCopy {
  readonly rows: number;
  readonly client: pg.Client;
}

const OPTIONS = "WITH CSV DELIMITER ','";

/** Lets the segment's server write a table to a program. Throws what Greenplum would report. */
export async function copyToProgram(
  client: pg.Client,
  table: string,
  start: () => CopyProgram,
): Promise<OpenCopy> {
  await client.query("begin");
  const program = start();
  const copy = client.query(copyTo(`COPY ${table} TO STDOUT ${OPTIONS}`));
  const fed = untilFed(pipeline(copy, program.stdin), program.stdin);
  const wrote = await fed.catch((error: Error) => error);
  const { status, stderr } = await program.ended;
  if (wrote !== undefined || status !== 0) throw commandError(stderr);
  await client.query("select 1"); // the row count comes after the rows
  return { rows: copy.rowCount, client };
}

/** Lets the segment's server read a table from a program. Throws what Greenplum would report. */
export async function copyFromProgram(
  client: pg.Client,
  table: string,
  start: () => CopyProgram,
): Promise<OpenCopy> {
  await client.query("begin");
  const program = start(); // not before: Node throws away what nobody reads when it has ended
  const copy = client.query(copyFrom(`COPY ${table} FROM STDIN ${OPTIONS}`));
  const refusal = await pipeline(program.stdout, copy).catch((error: Error) => error);
  // A row that is cut off is noticed before the program's exit status is.
  if (refusal instanceof pg.DatabaseError) throw serverError(refusal);
  const { status, stderr } = await program.ended;
  if (refusal !== undefined || status !== 0) throw commandError(stderr);
  return { rows: copy.rowCount, client };
}

function commandError(stderr: string): Error {
  const words = ["command error message:", stderr, "(SQLSTATE 22P04)"];
  return new Error(words.filter((word) => word !== "").join(" "));
}

function serverError({ where, message, code }: pg.DatabaseError): Error {
  return new Error(`${where}: ERROR: ${message} (SQLSTATE ${code})`);
}
