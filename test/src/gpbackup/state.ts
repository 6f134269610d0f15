import { readFile } from "node:fs/promises";

/** The variable that tells the programs where their cluster is described. */
export const STATE_VARIABLE = "GPBACKUP_STAND_IN_STATE";

/** One PostgreSQL server that plays the coordinator (content -1) or a primary segment. */
export interface Segment {
  readonly content: number;
  readonly host: string;
  /** Where Greenplum would keep the data, and where `backups/` and FIFOs are. */
  readonly dataDir: string;
  readonly port: number;
  readonly socketDir: string;
}

/** What differs between the hosts, which are all one machine. */
export interface Host {
  readonly name: string;
  /** What would be `/tmp` there. */
  readonly tmpDir: string;
  /** Added to what a login gives. */
  readonly env: Readonly<Record<string, string>>;
  /** Added to what programs get that the database server starts. */
  readonly databaseEnv: Readonly<Record<string, string>>;
}

/** All that the stand-ins know of their cluster; a JSON file. */
export interface ClusterState {
  readonly dir: string;
  readonly gpHome: string;
  readonly coordinator: Segment;
  /** By content id, from 0. */
  readonly segments: readonly Segment[];
  readonly hosts: readonly Host[];
  /** The socket of what stands for sshd and the database servers' COPY ON SEGMENT. */
  readonly machines: string;
  /** What gpbackup waits before it writes its last files, so that no two backups share a timestamp. */
  readonly pauseMs: number;
  /** No program lives longer. */
  readonly limitMs: number;
}

/** The state of the cluster that this program was started for; those that it starts are not told. */
export async function readState(): Promise<ClusterState> {
  const { [STATE_VARIABLE]: path } = process.env;
  delete process.env[STATE_VARIABLE];
  if (path === undefined) throw new Error(`${STATE_VARIABLE} is not set`);
  return JSON.parse(await readFile(path, "utf8")) as ClusterState;
}

/** The host of that name. Throws if there is none. */
export function hostOf(state: ClusterState, { host: name }: { readonly host: string }): Host {
  const host = state.hosts.find((candidate) => candidate.name === name);
  if (!host) throw new Error(`no host is called ${name}`);
  return host;
}
