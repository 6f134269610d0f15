import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Child, type Outcome, run } from "../harness/child.ts";
import { type TableChecksum, tableChecksums } from "../postgres/checksums.ts";
import { SUPERUSER } from "../postgres/server.ts";
import { PostgresServers } from "../postgres/servers.ts";
import {
  type GpbackupClusterOptions,
  type HostOptions,
  toClusterState,
  withOptions,
} from "./cluster-options.ts";
import { connect } from "./copy-on-segments.ts";
import { greenplumEnv } from "./environment.ts";
import { createTables, type FillOptions, insertRows } from "./fill.ts";
import { Machines } from "./machines.ts";
import { type ClusterState, hostOf, type Segment } from "./state.ts";
import { type GreenplumProgram, programPath, writePrograms } from "./wrappers.ts";

/** The rows of a database by content id and `schema.table`. */
export type ClusterChecksums = Readonly<Record<string, Record<string, TableChecksum>>>;

/**
 * A cluster of real PostgreSQL servers, a coordinator and primaries, with stand-ins for gpbackup, gprestore
 * and gpbackup_helper that call a storage plugin as the real ones do. All hosts are this machine; what
 * the plugin is told, where, in which order and with which environment is as on several. Usage:
 *
 *     await using cluster = await GpbackupCluster.start(
 *       { dir: join(temp.path, "gp"), segments: ["sdw1", "sdw1", "sdw2", "sdw2"] }, signal);
 *     await cluster.setHosts({ sdw1: { env: { PENSTOCK_PLUGIN_SOCKET: "/..." } }, sdw2: { ... }, mdw: { ... } });
 *     await cluster.createDatabase("testdb", { tables: 20, rows: 1000 });
 *     const backup = await cluster.run("gpbackup",
 *       ["--dbname", "testdb", "--plugin-config", file, "--single-data-file"], signal);
 *     const timestamp = GpbackupCluster.timestampOf(backup);
 *     await cluster.run("gprestore", ["--timestamp", timestamp, "--plugin-config", file,
 *       "--create-db", "--redirect-db", "copy"], signal);
 *     expect(await cluster.checksums("copy")).toEqual(await cluster.checksums("testdb"));
 *
 * `programPath("gpbackup")` is an executable for an agent's allow-list: it finds its cluster by itself, under
 * any environment. A second cluster with as many segments can restore what this one has backed up.
 * Disposing ends every process of the cluster and removes its folder.
 */
export class GpbackupCluster implements AsyncDisposable {
  readonly #servers: PostgresServers;
  #state: ClusterState;
  #machines: Machines | undefined;

  private constructor(servers: PostgresServers, state: ClusterState) {
    this.#servers = servers;
    this.#state = state;
  }

  static async start(
    options: GpbackupClusterOptions,
    signal: AbortSignal,
  ): Promise<GpbackupCluster> {
    await mkdir(options.dir, { recursive: true });
    const names = ["coordinator", ...options.segments.map((_, content) => `seg${content}`)];
    const servers = await PostgresServers.start({ names, dir: join(options.dir, "pg") }, signal);
    const cluster = new GpbackupCluster(servers, toClusterState(options, servers.all));
    try {
      for (const { dataDir } of cluster.all) await mkdir(dataDir, { recursive: true });
      await cluster.setHosts(options.hosts ?? {});
      cluster.#machines = await Machines.open(() => cluster.#state);
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The timestamp of the backup that a run of gpbackup has made. */
  static timestampOf({ stdout }: Pick<Outcome, "stdout">): string {
    const [, timestamp] = /Backup Timestamp = (\d{14})/.exec(stdout) ?? [];
    if (timestamp === undefined) throw new Error(`no timestamp in ${stdout}`);
    return timestamp;
  }

  /** By content id. */
  get segments(): readonly Segment[] {
    return this.#state.segments;
  }

  get coordinator(): Segment {
    return this.#state.coordinator;
  }

  /** The coordinator and all segments. */
  get all(): readonly Segment[] {
    return [this.coordinator, ...this.segments];
  }

  get gpHome(): string {
    return this.#state.gpHome;
  }

  programPath(name: GreenplumProgram): string {
    return programPath(this.#state, name);
  }

  tmpDir(host: string): string {
    return hostOf(this.#state, { host }).tmpDir;
  }

  /** Changes what differs on hosts, for programs that are started from now on. */
  async setHosts(options: Readonly<Record<string, HostOptions>>): Promise<void> {
    const hosts = this.#state.hosts.map((host) => withOptions(host, options[host.name]));
    this.#state = { ...this.#state, hosts };
    for (const { tmpDir } of hosts) await mkdir(tmpDir, { recursive: true });
    await writePrograms(this.#state);
  }

  /** Makes a database with tables, of which each segment has its share of rows. */
  async createDatabase(database: string, options: FillOptions = {}): Promise<void> {
    await Promise.all(
      this.all.map(async (segment) => {
        await this.#query(segment, SUPERUSER, `create database "${database}"`);
        const client = await connect(segment, database);
        await createTables(client, options);
        if (segment.content >= 0) await insertRows(client, segment.content, options);
        await client.end();
      }),
    );
  }

  /** Runs a statement on every segment. */
  async query(database: string, statement: string): Promise<void> {
    for (const segment of this.segments) await this.#query(segment, database, statement);
  }

  /** What is in every table on every segment. */
  async checksums(database: string): Promise<ClusterChecksums> {
    const entries = this.segments.map(async (segment) => {
      const client = await connect(segment, database);
      const checksums = await tableChecksums(client);
      await client.end();
      return [`${segment.content}`, checksums] as const;
    });
    return Object.fromEntries(await Promise.all(entries));
  }

  /** Runs a program on the coordinator as an administrator would, to its end. */
  async run(
    name: Exclude<GreenplumProgram, "gpbackup_helper">,
    args: readonly string[],
    signal: AbortSignal,
  ): Promise<Outcome> {
    return await run(this.programPath(name), args, this.#administrator, signal);
  }

  /** Starts a program as an administrator would; the caller disposes of it. */
  async startProgram(
    name: Exclude<GreenplumProgram, "gpbackup_helper">,
    args: readonly string[],
    signal: AbortSignal,
  ): Promise<Child> {
    return await Child.start(this.programPath(name), args, this.#administrator, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#machines?.[Symbol.asyncDispose]();
    await this.#servers.stop();
    await rm(this.#state.dir, { recursive: true, force: true });
  }

  get #administrator(): { readonly cwd: string; readonly env: NodeJS.ProcessEnv } {
    return {
      cwd: join(this.#state.dir, "home"),
      env: { ...greenplumEnv(this.#state), LC_ALL: "C" },
    };
  }

  async #query(segment: Segment, database: string, statement: string): Promise<void> {
    const client = await connect(segment, database);
    await client.query(statement);
    await client.end();
  }
}
