import { parseArgs } from "node:util";
import { CONNECTION_OPTIONS, connect } from "./connection.ts";
import { readEntries, type SchemaEntry, type Section } from "./schema-entries.ts";

/**
 * Stands for `pg_dump --section=pre-data|post-data [--table="schema"."table" ...]` where it is not
 * installed: prints a part of a database's schema, each entry with a head like the real one's. Of filters
 * it knows tables' full names. Exit status 1 if something fails or is not known.
 */
async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...CONNECTION_OPTIONS,
      section: { type: "string" },
      table: { type: "string", short: "t", multiple: true },
    },
  });
  const { section, table: tables } = values;
  if (!isSection(section)) throw new Error("--section must be pre-data or post-data");
  const client = await connect({ dbname: positionals[0], ...values });
  try {
    const entries = await readEntries(client, section);
    const isWanted = ({ table }: SchemaEntry): boolean =>
      tables === undefined || (table !== null && tables.includes(table));
    process.stdout.write(HEAD + entries.filter(isWanted).map(toText).join("") + END);
  } finally {
    await client.end();
  }
}

function isSection(section: string | undefined): section is Section {
  return section === "pre-data" || section === "post-data";
}

function toText({ type, schema, name, owner, sql }: SchemaEntry): string {
  const head = `-- Name: ${name}; Type: ${type}; Schema: ${schema}; Owner: ${owner}`;
  return `--\n${head.replaceAll("\n", " ")}\n--\n\n${sql}\n\n\n`;
}

const HEAD = `--
-- PostgreSQL database dump
--

SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET client_min_messages = warning;

`;

const END = `--
-- PostgreSQL database dump complete
--

`;

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`pg_dump: error: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
