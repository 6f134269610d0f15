import { createReadStream, createWriteStream } from "node:fs";
import pg from "pg";
import { readDump } from "./dump-in.ts";
import { writeDump } from "./dump-out.ts";

/**
 * `copy-dump out PATH` writes a PostgreSQL database to a path, usually a named pipe; `copy-dump in PATH`
 * reads it into an empty one. For hosts with a server but without `pg_dump`. The database is
 * named by PGHOST, PGPORT, PGUSER and PGDATABASE.
 */
async function main([command, path, ...rest]: readonly string[]): Promise<void> {
  if (path === undefined || rest.length > 0) throw new Error("usage: copy-dump out|in PATH");
  const client = new pg.Client();
  client.on("error", () => {}); // a lost connection shows in the next query
  await client.connect();
  try {
    if (command === "out") await writeDump(client, createWriteStream(path));
    else if (command === "in") await readDump(client, createReadStream(path));
    else throw new Error(`no such command: ${command}`);
  } finally {
    await client.end();
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`copy-dump: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
