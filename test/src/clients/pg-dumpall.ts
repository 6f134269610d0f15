import { parseArgs } from "node:util";
import { CONNECTION_OPTIONS, connect } from "./connection.ts";

/**
 * Stands for `pg_dumpall -g` where it is not installed: prints the roles of a server, and nothing else that
 * is global. Exit status 1 if something fails or is not known.
 */
async function main(args: readonly string[]): Promise<void> {
  const { dbname = "postgres", ...given } = parseArgs({
    args: [...args],
    options: { ...CONNECTION_OPTIONS, "globals-only": { type: "boolean", short: "g" } },
  }).values;
  if (!given["globals-only"]) throw new Error("only globals can be dumped: -g");
  const client = await connect({ dbname, ...given });
  try {
    const { rows } = await client.query<{ sql: string }>(ROLES);
    process.stdout.write(`${HEAD}${rows.map(({ sql }) => `${sql}\n`).join("")}\n\n${END}`);
  } finally {
    await client.end();
  }
}

const HEAD = "--\n-- PostgreSQL database cluster dump\n--\n\n";
const END = "--\n-- PostgreSQL database cluster dump complete\n--\n\n";

const ROLES = `
  select format(E'CREATE ROLE %1$I;\\nALTER ROLE %1$I WITH %2$s %3$s;', rolname,
    case when rolsuper then 'SUPERUSER' else 'NOSUPERUSER' end,
    case when rolcanlogin then 'LOGIN' else 'NOLOGIN' end) as sql
  from pg_roles where rolname !~ '^pg_' order by rolname`;

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`pg_dumpall: error: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
