import { SUPERUSER } from "../postgres/server.ts";
import { isNamed } from "./catalogue.ts";
import { connect } from "./copy-on-segments.ts";
import type { ClusterState } from "./state.ts";
import type { TocEntry } from "./toc.ts";

/** Runs statements on the coordinator and on every segment, as a distributed database would. */
export async function executeEverywhere(
  { coordinator, segments }: ClusterState,
  database: string,
  statements: readonly string[],
): Promise<void> {
  await Promise.all(
    [coordinator, ...segments].map(async (segment) => {
      const client = await connect(segment, database);
      try {
        for (const statement of statements) await client.query(statement);
      } finally {
        await client.end();
      }
    }),
  );
}

/** Makes an empty database. Throws if there is one of that name. */
export async function createDatabase(state: ClusterState, database: string): Promise<void> {
  const name = `"${database.replaceAll('"', '""')}"`;
  await executeEverywhere(state, SUPERUSER, [`CREATE DATABASE ${name} TEMPLATE template0`]);
}

/** True if no table is asked for by name, or this one is. */
export function isWanted(
  table: Pick<TocEntry, "schema" | "name">,
  includeTables: readonly string[],
): boolean {
  return includeTables.length === 0 || isNamed(table, includeTables);
}

/** What is to be executed for the tables that are asked for: also the schemas that they are in. */
export function neededEntries(
  entries: readonly TocEntry[],
  includeTables: readonly string[],
): TocEntry[] {
  const wanted = entries.filter((entry) => isWanted(entry, includeTables));
  const schemas = new Set(wanted.map(({ schema }) => schema));
  return entries.filter((entry) =>
    entry.objecttype === "SCHEMA" ? schemas.has(entry.schema) : wanted.includes(entry),
  );
}
