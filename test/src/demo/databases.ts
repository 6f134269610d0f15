import { isDeepStrictEqual } from "node:util";
import { raceAbort } from "@penstock/common";
import { tableChecksums } from "../postgres/checksums.ts";
import { fillDatabase } from "../postgres/fill.ts";
import { PostgresServers } from "../postgres/servers.ts";

/** The hosts, the coordinator first, and about how many bytes a dump of each is to have. */
const HOSTS = { mdw: 10e6, sdw1: 90e6, sdw2: 90e6, sdw3: 90e6 } as const;
export type HostName = keyof typeof HOSTS;
export const HOST_NAMES = Object.keys(HOSTS) as HostName[];

/** The database that is backed up, on every host. */
export const DATABASE = "app";

/** Starts a server for each host with an empty database. `dir` is for their data. */
export async function startServers(dir: string, signal: AbortSignal): Promise<PostgresServers> {
  await using started = new AsyncDisposableStack();
  const servers = started.use(await PostgresServers.start({ names: HOST_NAMES, dir }, signal));
  await Promise.all(servers.all.map((server) => server.createDatabase(DATABASE)));
  started.move();
  return servers;
}

/** Fills every host's database with rows of its own. */
export async function fillServers(servers: PostgresServers, signal: AbortSignal): Promise<void> {
  const fills = HOST_NAMES.map((name, index) =>
    servers.get(name).withClient(DATABASE, async (client) => {
      await fillDatabase(client, { bytes: HOSTS[name], seed: index + 1 });
    }),
  );
  await raceAbort(Promise.all(fills), signal);
}

/** One table of one host, before and after. */
export interface ComparedTable {
  readonly host: HostName;
  readonly table: string;
  readonly rows: number;
  readonly isEqual: boolean;
}

/** Compares every table that is on either side by row count and checksum. */
export async function compareServers(
  original: PostgresServers,
  restored: PostgresServers,
  signal: AbortSignal,
): Promise<ComparedTable[]> {
  const hosts = HOST_NAMES.map(async (host) => {
    const before = await original.get(host).withClient(DATABASE, tableChecksums);
    const after = await restored.get(host).withClient(DATABASE, tableChecksums);
    return [...new Set([...Object.keys(before), ...Object.keys(after)])].map((table) => ({
      host,
      table,
      rows: before[table]?.rows ?? 0,
      isEqual: isDeepStrictEqual(before[table], after[table]),
    }));
  });
  return (await raceAbort(Promise.all(hosts), signal)).flat();
}
