import { chown, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Child, type ChildOptions, run } from "../harness/child.ts";
import { freePort } from "../harness/free-port.ts";
import type { PostgresBinaries } from "./binaries.ts";
import { type PostgresOptions, PostgresServer, SUPERUSER } from "./server.ts";
import { serverUser } from "./server-user.ts";

const START_DEADLINE_MS = 300_000;
/** Between a free port's discovery and its use somebody else may take it. */
const PORT_ATTEMPTS = 5;

/**
 * Starts a real PostgreSQL server with a data directory of its own, on a free port of loopback
 * and on a Unix socket. Returns when it accepts connections; throws with the end of its log,
 * and leaves nothing, if it does not. It trusts everybody and does not outlive a power cut.
 */
export async function startPostgres(
  options: PostgresOptions,
  signal: AbortSignal,
): Promise<PostgresServer> {
  await mkdir(options.dir);
  try {
    const asServer = await serverProcess(options);
    await copyTemplate(options, asServer, signal);
    return await startOnFreePort(options, asServer, signal);
  } catch (error) {
    await rm(options.dir, { recursive: true, force: true });
    throw error;
  }
}

/** How the server's programs are run; its folder then belongs to the user they run as. */
async function serverProcess({
  dir,
  binaries,
}: Pick<PostgresOptions, "dir" | "binaries">): Promise<ChildOptions> {
  const { PATH } = process.env;
  const env = { PATH, LC_ALL: "C", TZ: "UTC", ...binaries.env };
  // SIGQUIT is the immediate shutdown: nothing of the data is wanted any more.
  const options = { cwd: dir, env, stopSignal: "SIGQUIT" } as const;
  const user = await serverUser();
  if (!user) return options;
  await chown(dir, user.uid, user.gid);
  return { ...options, uid: user.uid, gid: user.gid };
}

/**
 * Makes a folder with an empty data directory, of which servers take copies: that is much faster than
 * to make each. Copies have the same system identifier, for which only replication asks.
 */
export async function createTemplate(
  dir: string,
  binaries: PostgresBinaries,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(dir);
  const asServer = await serverProcess({ dir, binaries });
  const args = ["-D", join(dir, "data"), "-U", SUPERUSER, "-A", "trust", "-E", "UTF8"];
  const initdb = join(binaries.folder, "initdb");
  const outcome = await run(initdb, [...args, "--locale=C", "--no-sync"], asServer, signal);
  signal.throwIfAborted();
  if (outcome.status !== 0) throw new Error(`initdb failed: ${outcome.stderr}`);
}

async function copyTemplate(
  { name, dir, template }: PostgresOptions,
  asServer: ChildOptions,
  signal: AbortSignal,
): Promise<void> {
  const outcome = await run("cp", ["-a", join(template, "data"), dir], asServer, signal);
  signal.throwIfAborted();
  if (outcome.status !== 0) throw new Error(`${name}: no data directory: ${outcome.stderr}`);
}

async function startOnFreePort(
  options: PostgresOptions,
  asServer: ChildOptions,
  signal: AbortSignal,
): Promise<PostgresServer> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(START_DEADLINE_MS)]);
  const postgres = join(options.binaries.folder, "postgres");
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const child = await Child.start(postgres, serverArgs(options, port), asServer, signal);
    const server = new PostgresServer(options, port, child);
    try {
      await server.untilReady(deadline);
      return server;
    } catch (error) {
      const { stderr } = await child.stop();
      if (attempt === PORT_ATTEMPTS || !stderr.includes("Address already in use")) throw error;
    }
  }
}

function serverArgs({ name, dir }: PostgresOptions, port: number): string[] {
  const settings = {
    cluster_name: name,
    listen_addresses: "127.0.0.1",
    port,
    unix_socket_directories: dir,
    fsync: "off",
    full_page_writes: "off",
    synchronous_commit: "off",
    // Loading a table in the transaction that made it then writes no log.
    wal_level: "minimal",
    max_wal_senders: 0,
    max_wal_size: "4GB",
    // Containers give little of the default kind.
    dynamic_shared_memory_type: "mmap",
    max_parallel_workers: 0,
    autovacuum: "off",
  };
  const flags = Object.entries(settings).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
  return ["-D", join(dir, "data"), ...flags];
}
