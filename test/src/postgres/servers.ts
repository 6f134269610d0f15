import { cp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../harness/child.ts";
import { isOpenToAll } from "../harness/temp-dir.ts";
import { findServerBinaries, type PostgresBinaries } from "./binaries.ts";
import type { PostgresServer } from "./server.ts";
import { serverUser } from "./server-user.ts";
import { createTemplate, startPostgres } from "./start.ts";

/** Which servers to start, one for each name, in folders of that name below `dir`. */
export interface ServersOptions {
  readonly names: readonly string[];
  /** Any user may enter it; made if it is missing. */
  readonly dir: string;
}

/** Several PostgreSQL servers of one version, one for each "host". Disposing of it stops them. */
export class PostgresServers implements AsyncDisposable {
  readonly binaries: PostgresBinaries;
  readonly all: readonly PostgresServer[];

  private constructor(binaries: PostgresBinaries, all: readonly PostgresServer[]) {
    this.binaries = binaries;
    this.all = all;
  }

  /** Starts all servers at once. If one does not start, none is left. */
  static async start(
    { names, dir }: ServersOptions,
    signal: AbortSignal,
  ): Promise<PostgresServers> {
    await mkdir(dir, { recursive: true });
    const binaries = await usableBinaries(dir, signal);
    const template = join(dir, ".template");
    await createTemplate(template, binaries, signal);
    const starts = names.map((name) =>
      startPostgres({ name, dir: join(dir, name), binaries, template }, signal),
    );
    const results = await Promise.allSettled(starts);
    const started = results.flatMap((r) => (r.status === "fulfilled" ? [r.value] : []));
    const servers = new PostgresServers(binaries, started);
    await rm(template, { recursive: true });
    const failure = results.find((result) => result.status === "rejected");
    if (!failure) return servers;
    await servers.stop();
    throw failure.reason;
  }

  /** The server of that name. Throws if there is none. */
  get(name: string): PostgresServer {
    const server = this.all.find((candidate) => candidate.name === name);
    if (!server) throw new Error(`no PostgreSQL server is called ${name}`);
    return server;
  }

  /** Stops all servers and removes their data. Repeating it is harmless. */
  async stop(): Promise<void> {
    await Promise.all(this.all.map((server) => server.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Programs that the servers' user may run: a copy below `dir` if npm put them in a private folder. */
async function usableBinaries(dir: string, signal: AbortSignal): Promise<PostgresBinaries> {
  const binaries = await findServerBinaries(signal);
  const isUsable =
    binaries.origin === "installed" ||
    (await serverUser()) === undefined ||
    (await isOpenToAll(join(binaries.folder, "postgres")));
  if (isUsable) return binaries;
  const copy = join(dir, "postgresql");
  await cp(join(binaries.folder, ".."), copy, { recursive: true, verbatimSymlinks: true });
  await run("chmod", ["-R", "a+rX", copy], {}, signal);
  return { ...binaries, folder: join(copy, "bin"), env: { LD_LIBRARY_PATH: join(copy, "lib") } };
}
