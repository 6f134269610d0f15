import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { GPADMIN } from "./state.ts";

/** A row of the catalogue: one database server of the cluster. */
export interface Instance {
  readonly dbid: number;
  /** -1 is the coordinator. */
  readonly content: number;
  readonly role: "p" | "m";
  readonly preferredRole: "p" | "m";
  readonly host: string;
  readonly port: number;
  readonly dataDirectory: string;
}

/** The cluster as its tools see it. */
export interface Instances {
  readonly coordinator: Instance;
  /** Those that serve now, by content. */
  readonly current: readonly Instance[];
  /** Those that were primaries before any failover, by content. */
  readonly preferred: readonly Instance[];
}

/** The databases that hold the catalogue. On a real cluster every database does. */
export const CATALOGUE_DATABASES = ["template1", "postgres"] as const;

/** Makes the catalogue's tables in this database, or fills them anew. */
export async function writeCatalogue(
  client: pg.Client,
  instances: readonly Instance[],
): Promise<void> {
  await client.query("set allow_system_table_mods = on");
  await client.query(TABLES);
  for (const { dbid, content, role, preferredRole, host, port, dataDirectory } of instances) {
    const isDown = role !== preferredRole && role === "m";
    const [mode, status] = isDown ? ["s", "d"] : [role === preferredRole ? "s" : "c", "u"];
    await client.query(
      "insert into gp_segment_configuration values ($1, $2, $3, $4, $5, $6, $7, $8, $8, null)",
      [dbid, content, role, preferredRole, mode, status, port, host],
    );
    await client.query("insert into pg_filespace_entry values (3052, $1, $2)", [
      dbid,
      dataDirectory,
    ]);
  }
}

const TABLES = `
  create table if not exists pg_catalog.gp_segment_configuration (
    dbid smallint, content smallint, role "char", preferred_role "char", mode "char",
    status "char", port integer, hostname text, address text, replication_port integer);
  create table if not exists pg_catalog.pg_filespace_entry (
    fsefsoid oid, fsedbid smallint, fselocation text);
  truncate pg_catalog.gp_segment_configuration, pg_catalog.pg_filespace_entry;
  grant select on pg_catalog.gp_segment_configuration, pg_catalog.pg_filespace_entry to public`;

/** Asks a coordinator for its cluster. */
export async function readInstances(port: number): Promise<Instances> {
  const rows = await withServer(port, "template1", async (client) => {
    return (await client.query<Instance>(ROWS)).rows;
  });
  const coordinator = rows.find(({ content }) => content === -1);
  if (!coordinator) throw new Error(`no coordinator in the catalogue of port ${port}`);
  const segments = rows.filter(({ content }) => content >= 0);
  return {
    coordinator,
    current: segments.filter(({ role }) => role === "p"),
    preferred: segments.filter(({ preferredRole }) => preferredRole === "p"),
  };
}

const ROWS = `
  select dbid, content, role, preferred_role as "preferredRole", hostname as host, port,
    fselocation as "dataDirectory"
  from gp_segment_configuration join pg_filespace_entry on fsedbid = dbid and fsefsoid = 3052
  order by content, dbid`;

/** A connection as gpadmin to a server of the cluster, which may just be starting; the caller ends it. */
export async function connectTo(port: number, database: string): Promise<pg.Client> {
  for (let attempt = 1; ; attempt += 1) {
    const client = new pg.Client({ host: "127.0.0.1", port, user: GPADMIN, database });
    client.on("error", () => {}); // a lost connection shows in the next query
    try {
      await client.connect();
      return client;
    } catch (error) {
      const isStarting = (error as { readonly code?: unknown }).code === CANNOT_CONNECT_NOW;
      if (!isStarting || attempt === CONNECT_ATTEMPTS) throw error;
      await delay(CONNECT_PAUSE_MS);
    }
  }
}

const CANNOT_CONNECT_NOW = "57P03";
const CONNECT_ATTEMPTS = 600;
const CONNECT_PAUSE_MS = 100;

/** Runs `use` with a connection and ends that. */
export async function withServer<T>(
  port: number,
  database: string,
  use: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await connectTo(port, database);
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
