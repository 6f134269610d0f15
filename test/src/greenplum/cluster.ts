/*
 * A Greenplum cluster of stand-ins: real PostgreSQL servers as coordinator and segments, and tools that
 * behave as gpcrondump and gpdbrestore 4.3 and 5.x do, traps included.
 *
 *   const options = { dir: join(temp.path, "gp"), coordinator: "mdw", segments: ["sdw1", "sdw1", "sdw2"] };
 *   await using cluster = await GreenplumCluster.start(options, signal);
 *   await cluster.createDatabase("testdb", { rows: 2000 });
 *   const before = await cluster.checksums("testdb");
 *
 *   cluster.tools                    programs for an agent's allow-list: gpcrondump, gpdbrestore, psql
 *   cluster.dumpDirectory            a folder for `-u` that is the same on "all hosts", for agents' `roots`
 *   cluster.run("gpcrondump", ["-a", "-b", "-x", "testdb", "-K", key, "-u", cluster.dumpDirectory], signal)
 *   cluster.spawn("gpdbrestore", …)  the same as a Child, for a test that interrupts it
 *   cluster.configure({ naming: "4.3" })   settings for the tools started from now on
 *   cluster.failOver(1, { host: "sdw2", dbid: 9 })             content 1 is now served from there
 *   cluster.processes(key)           what still runs and names the key
 *   cluster.dropDatabase("testdb"), cluster.query(-1, "testdb", "select …")
 *
 * All hosts are this machine. One folder can serve all of them, since a set's files have the content and the
 * dbid in their names. Without `-u` the files are in the data directories, `cluster.instances` has them.
 * The catalogue (gp_segment_configuration, pg_filespace_entry) is in template1 and postgres and may be
 * asked by `psql`: cluster.tools.psql finds the coordinator without options and takes every -h for this
 * machine; it drops PGOPTIONS, since the server knows no gp_session_role.
 * `PipeReaders` makes the pipes of a list and reads them as a careful user does by hand.
 * The dump agents and the consumers of a restore are children of the test's own process, as a server's
 * would be, outside the tools' process groups. Dumps of incremental sets are not there, only listings.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type pg from "pg";
import { Child, type Outcome, run } from "../harness/child.ts";
import { processesWith } from "../harness/processes.ts";
import { type TableChecksum, tableChecksums } from "../postgres/checksums.ts";
import { PostgresServers } from "../postgres/servers.ts";
import { BackendServer } from "./backend-server.ts";
import {
  CATALOGUE_DATABASES,
  connectTo,
  type Instance,
  withServer,
  writeCatalogue,
} from "./catalogue.ts";
import { createTables, fillShare, recreateDatabase } from "./cluster-data.ts";
import {
  backendEnvironment,
  createOwner,
  makeDataDirectory,
  newInstance,
  newState,
} from "./cluster-setup.ts";
import { writeLaunchers } from "./launchers.ts";
import { type GreenplumSettings, type GreenplumState, writeState } from "./state.ts";

/** What a cluster is made of. */
export interface GreenplumOptions {
  /** Everything lies below it; any user may enter its parent. */
  readonly dir: string;
  /** The coordinator's host name. */
  readonly coordinator: string;
  /** The host name of each segment, by content. A host may have several. */
  readonly segments: readonly string[];
  /** A folder for `-u`; default: one below `dir`. */
  readonly dumpDirectory?: string;
  readonly settings?: Partial<GreenplumSettings>;
}

/** The tools that a test may start. */
export type GreenplumTool = "gpcrondump" | "gpdbrestore" | "psql";

/** What is in a database, by content and table. */
export type ClusterChecksums = Readonly<Record<string, Readonly<Record<string, TableChecksum>>>>;

/** See the head of this file. Disposing of it kills all that its tools have left and the servers. */
export class GreenplumCluster implements AsyncDisposable {
  readonly tools: Readonly<Record<GreenplumTool, string>>;
  readonly dumpDirectory: string;
  /** The catalogue as it is now. */
  instances: readonly Instance[];
  readonly #statePath: string;
  #state: GreenplumState;
  readonly #servers: PostgresServers;
  readonly #backends: BackendServer;

  private constructor(made: {
    readonly dumpDirectory: string;
    readonly instances: readonly Instance[];
    readonly statePath: string;
    readonly state: GreenplumState;
    readonly servers: PostgresServers;
    readonly backends: BackendServer;
  }) {
    const { bin } = made.state;
    this.tools = {
      gpcrondump: join(bin, "gpcrondump"),
      gpdbrestore: join(bin, "gpdbrestore"),
      psql: join(bin, "psql"),
    };
    this.dumpDirectory = made.dumpDirectory;
    this.instances = made.instances;
    this.#statePath = made.statePath;
    this.#state = made.state;
    this.#servers = made.servers;
    this.#backends = made.backends;
  }

  /** Starts the servers and writes the tools. If something does not start, nothing is left. */
  static async start(options: GreenplumOptions, signal: AbortSignal): Promise<GreenplumCluster> {
    const { dir, coordinator, segments } = options;
    const names = ["coordinator", ...segments.map((_, content) => `segment${content}`)];
    const servers = await PostgresServers.start({ names, dir: join(dir, "servers") }, signal);
    try {
      const hosts = [coordinator, ...segments];
      const instances = hosts.map((host, index) => newInstance(dir, host, index, servers));
      await Promise.all(instances.map(makeDataDirectory));
      await Promise.all(servers.all.map((server) => server.withClient("postgres", createOwner)));
      const state = await newState(options, instances, servers, signal);
      const statePath = join(dir, "greenplum.json");
      const dumpDirectory = options.dumpDirectory ?? join(dir, "backups");
      await Promise.all([
        mkdir(dumpDirectory, { recursive: true }),
        mkdir(state.scratch, { recursive: true }),
        writeState(statePath, state),
        writeLaunchers(state, statePath),
      ]);
      const env = backendEnvironment(state, statePath);
      const { backendSocket: socketPath, scratch: cwd } = state;
      const backends = await BackendServer.listen({ socketPath, env, cwd });
      const made = { dumpDirectory, instances, statePath, state, servers, backends };
      const cluster = new GreenplumCluster(made);
      await cluster.#publishCatalogue();
      return cluster;
    } catch (error) {
      await servers.stop();
      throw error;
    }
  }

  /** Makes a database with rows on all segments; `rows` of the largest table, over all of them. */
  async createDatabase(database: string, { rows }: { readonly rows: number }): Promise<void> {
    await this.#recreate(database, true);
    const segments = this.#serving.length - 1;
    await this.#onAll(database, async (client, { content }) => {
      await createTables(client);
      if (content >= 0) await fillShare(client, { content, segments }, rows);
    });
  }

  /** Removes a database from all servers; it need not be there. */
  async dropDatabase(database: string): Promise<void> {
    await this.#recreate(database, false);
  }

  /**
   * What is in every table of every server, by content. What gpcrondump itself notes in the database
   * is left out.
   */
  async checksums(database: string): Promise<ClusterChecksums> {
    const all = await this.#onAll(database, async (client, { content }) => {
      const { "public.gpcrondump_history": _, ...tables } = await tableChecksums(client);
      return [content, tables] as const;
    });
    return Object.fromEntries(all);
  }

  /** A statement on the server that serves a content. */
  async query(content: number, database: string, sql: string): Promise<pg.QueryResult> {
    return await withServer(this.instance(content).port, database, (client) => client.query(sql));
  }

  /** A connection as gpadmin to the server that serves a content; the caller ends it. */
  async connect(content: number, database: string): Promise<pg.Client> {
    return await connectTo(this.instance(content).port, database);
  }

  /** The instance that serves a content now. Throws if there is none. */
  instance(content: number): Instance {
    const found = this.#serving.find((candidate) => candidate.content === content);
    if (!found) throw new Error(`no instance serves content ${content}`);
    return found;
  }

  /** Has another dbid on another host serve a content, with the same rows; the old one is down. */
  async failOver(
    content: number,
    to: { readonly host: string; readonly dbid: number },
  ): Promise<void> {
    const old = this.instance(content);
    const folder = `mirror${content}_${to.dbid}`;
    const dataDirectory = join(old.dataDirectory, "../..", to.host, folder);
    const now: Instance = { ...old, ...to, role: "p", preferredRole: "m", dataDirectory };
    await makeDataDirectory(now);
    const others = this.instances.filter((instance) => instance !== old);
    this.instances = [...others, { ...old, role: "m" }, now];
    await this.#publishCatalogue();
  }

  /** Changes how tools behave that start from now on. */
  async configure(settings: Partial<GreenplumSettings>): Promise<void> {
    this.#state = { ...this.#state, settings: { ...this.#state.settings, ...settings } };
    await writeState(this.#statePath, this.#state);
  }

  /** Starts a tool, for a test that interrupts it. */
  async spawn(tool: GreenplumTool, args: readonly string[], signal: AbortSignal): Promise<Child> {
    return await Child.start(this.tools[tool], args, {}, signal);
  }

  /** Runs a tool to its end. */
  async run(tool: GreenplumTool, args: readonly string[], signal: AbortSignal): Promise<Outcome> {
    return await run(this.tools[tool], args, {}, signal);
  }

  /** One line for each process of the cluster's tools and backends that names the key. */
  async processes(key: string): Promise<string[]> {
    const folders = [this.#statePath.replace(/[^/]+$/, ""), this.dumpDirectory];
    const lines = await processesWith(key);
    return lines.filter((line) => folders.some((folder) => line.includes(folder)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#backends[Symbol.asyncDispose]();
    for (const line of await processesWith(`${this.#state.bin}/`)) killProcess(line);
    await this.#servers.stop();
  }

  get #serving(): readonly Instance[] {
    return this.instances.filter(({ role }) => role === "p");
  }

  async #recreate(database: string, isWanted: boolean): Promise<void> {
    await this.#onAll("postgres", (client) => recreateDatabase(client, database, isWanted));
  }

  async #onAll<T>(
    database: string,
    use: (client: pg.Client, instance: Instance) => Promise<T>,
  ): Promise<T[]> {
    return await Promise.all(
      this.#serving.map((instance) =>
        withServer(instance.port, database, (client) => use(client, instance)),
      ),
    );
  }

  async #publishCatalogue(): Promise<void> {
    for (const database of CATALOGUE_DATABASES) {
      await withServer(this.#state.coordinator.port, database, (client) =>
        writeCatalogue(client, this.instances),
      );
    }
  }
}

function killProcess(line: string): void {
  const [, pid] = /^process (\d+):/.exec(line) ?? [];
  if (Number(pid) === process.pid) return;
  try {
    process.kill(Number(pid), "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
