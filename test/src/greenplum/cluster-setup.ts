import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type pg from "pg";
import { findClients } from "../clients/find-clients.ts";
import type { PostgresServers } from "../postgres/servers.ts";
import type { Instance } from "./catalogue.ts";
import { GPADMIN, type GreenplumSettings, type GreenplumState, STATE_VARIABLE } from "./state.ts";

const DEFAULTS: GreenplumSettings = {
  naming: "5",
  lockPollMs: 5_000,
  lacksDiskSpace: true,
  held: [],
  dead: [],
};

/** A primary at its preferred place: the coordinator is the first. */
export function newInstance(
  dir: string,
  host: string,
  index: number,
  servers: PostgresServers,
): Instance {
  const content = index - 1;
  const dataDirectory = join(dir, "hosts", host, `gpseg${content}`);
  const { port } = servers.get(content === -1 ? "coordinator" : `segment${content}`);
  return { dbid: index + 1, content, role: "p", preferredRole: "p", host, port, dataDirectory };
}

/** What the tools are to know. */
export async function newState(
  { dir, settings }: { readonly dir: string; readonly settings?: Partial<GreenplumSettings> },
  [coordinator]: readonly Instance[],
  servers: PostgresServers,
  signal: AbortSignal,
): Promise<GreenplumState> {
  if (!coordinator) throw new Error("a cluster has a coordinator");
  const clients = join(dir, "postgresql-clients");
  const { psql, pg_dump, pg_dumpall } = await findClients(servers.binaries, clients, signal);
  const { host, port, dataDirectory } = coordinator;
  return {
    bin: join(dir, "bin"),
    scratch: join(dir, "tmp"),
    backendSocket: join(dir, "backends"),
    coordinator: { host, port, dataDirectory },
    postgres: { psql, pg_dump, pg_dumpall },
    settings: { ...DEFAULTS, ...settings },
  };
}

/** What a server's children find in their environment. */
export function backendEnvironment(
  { bin }: GreenplumState,
  statePath: string,
): Record<string, string> {
  const { PATH = "", NODE_COMPILE_CACHE: cache } = process.env;
  return {
    ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }), // they are started often
    PATH: `${bin}:${PATH}`,
    PGHOSTADDR: "127.0.0.1",
    LC_ALL: "C",
    [STATE_VARIABLE]: statePath,
  };
}

/** A folder with what `-g` wants of an instance; its rows are elsewhere. */
export async function makeDataDirectory({ dataDirectory, port }: Instance): Promise<void> {
  await mkdir(dataDirectory, { recursive: true });
  await writeFile(join(dataDirectory, "postgresql.conf"), `port=${port}\n`);
  await writeFile(join(dataDirectory, "pg_hba.conf"), "local all all trust\n");
  await writeFile(join(dataDirectory, "pg_ident.conf"), "");
}

/** Makes the superuser that all the tools are. */
export async function createOwner(client: pg.Client): Promise<void> {
  await client.query(`create role ${GPADMIN} superuser login`);
}
