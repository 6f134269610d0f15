import { join } from "node:path";
import type { PostgresServer } from "../postgres/server.ts";
import type { ClusterState, Host, Segment } from "./state.ts";

/** What differs on a host. */
export interface HostOptions {
  /** What would be `/tmp`: for copies of plugin configurations and for lock files. Default: `<dir>/<host>`. */
  readonly tmpDir?: string;
  /**
   * Added to the environment of what runs there by a login: hooks, files, gpbackup_helper; on the coordinator
   * also gpbackup and gprestore, besides what who starts them gives.
   */
  readonly env?: Readonly<Record<string, string>>;
  /** Added to what the database gives to a COPY's program (multi-file mode); default `env`. */
  readonly databaseEnv?: Readonly<Record<string, string>>;
}

/** What cluster to start. */
export interface GpbackupClusterOptions {
  /** Any user may enter it; the cluster makes and removes what is in it. Short: sockets lie in it. */
  readonly dir: string;
  /** Default `mdw`. */
  readonly coordinator?: string;
  /** The host of each primary, by content id from 0. */
  readonly segments: readonly string[];
  readonly hosts?: Readonly<Record<string, HostOptions>>;
  /** gpbackup's pause of 1 s before its last files; default none. */
  readonly pauseMs?: number;
  /** No process lives longer; default 20 minutes, more than any test takes on the slowest machine. */
  readonly limitMs?: number;
}

const LIMIT_MS = 1_200_000;

/** The state of a cluster whose servers run. */
export function toClusterState(
  options: GpbackupClusterOptions,
  servers: readonly PostgresServer[],
): ClusterState {
  const { dir, segments, coordinator = "mdw", pauseMs = 0, limitMs = LIMIT_MS } = options;
  const toSegment = (host: string, content: number): Segment => {
    const server = servers[content + 1];
    if (!server) throw new Error(`no server for content ${content}`);
    const dataDir = join(dir, "data", `gpseg${content}`);
    return { content, host, dataDir, port: server.port, socketDir: server.socketDir };
  };
  const names = [...new Set([coordinator, ...segments])];
  return {
    dir,
    gpHome: join(dir, "greenplum"),
    coordinator: toSegment(coordinator, -1),
    segments: segments.map(toSegment),
    hosts: names.map((name) => ({ name, tmpDir: join(dir, name), env: {}, databaseEnv: {} })),
    machines: join(dir, "machines.sock"),
    pauseMs,
    limitMs,
  };
}

/** A host that is told something else. */
export function withOptions(host: Host, options: HostOptions = {}): Host {
  const { tmpDir = host.tmpDir, env = host.env } = options;
  const { databaseEnv = options.env ?? host.databaseEnv } = options;
  return { name: host.name, tmpDir, env, databaseEnv };
}
