import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { findDumpTools, type PostgresBinaries } from "../postgres/binaries.ts";
import { writeLauncher } from "../tools/launcher.ts";

/** Where the clients of a PostgreSQL server are, by name. */
export interface PostgresClients {
  readonly psql: string;
  readonly pg_dump: string;
  readonly pg_dumpall: string;
}

/** PostgreSQL's own clients if those of this server are installed, else ours; see writeClients. */
export async function findClients(
  server: PostgresBinaries,
  dir: string,
  signal: AbortSignal,
): Promise<PostgresClients> {
  return (await findDumpTools(server, signal)) ?? (await writeClients(dir));
}

/**
 * Makes a folder of launchers for this folder's programs, under the names of those that they stand for.
 * They know what the stand-ins of Greenplum's tools ask of them, and refuse the rest.
 */
export async function writeClients(dir: string): Promise<PostgresClients> {
  await mkdir(dir, { recursive: true });
  const write = async (name: string, file: string): Promise<string> =>
    await writeLauncher(join(dir, name), join(import.meta.dirname, file));
  return {
    psql: await write("psql", "psql.ts"),
    pg_dump: await write("pg_dump", "pg-dump.ts"),
    pg_dumpall: await write("pg_dumpall", "pg-dumpall.ts"),
  };
}
