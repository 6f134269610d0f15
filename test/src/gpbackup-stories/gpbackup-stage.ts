import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Manifest } from "@penstock/common";
import { afterAll, beforeAll, expect, vi } from "vitest";
import { stringify } from "yaml";
import { GpbackupCluster } from "../gpbackup/cluster.ts";
import { connect } from "../gpbackup/copy-on-segments.ts";
import type { FillOptions } from "../gpbackup/fill.ts";
import type { Child, Outcome } from "../harness/child.ts";
import { Cluster } from "../harness/cluster.ts";
import { guardChildren } from "../harness/guard-children.ts";
import { processesWith } from "../harness/processes.ts";
import { installProgram } from "../harness/programs.ts";
import { TempDir } from "../harness/temp-dir.ts";
import { untilFound, untilNone } from "../harness/until.ts";

/** They guard against what hangs alone: a slow machine is no failure. */
const STAGE_LIMIT_MS = 3_000_000;
const TEST_LIMIT_MS = 1_500_000;
const HOOK_LIMIT_MS = 300_000;
const CLEAN_LIMIT_MS = 180_000;

const SEGMENTS: readonly string[] = ["sdw1", "sdw1", "sdw2", "sdw2"];
const HOSTS: readonly string[] = ["mdw", "sdw1", "sdw2"];

/** Opens a stage before the first test of a file and closes it after the last. */
export function openGpbackup(databases: Readonly<Record<string, FillOptions>>): GpbackupStage {
  vi.setConfig({ testTimeout: TEST_LIMIT_MS, hookTimeout: HOOK_LIMIT_MS });
  guardChildren();
  const stage = new GpbackupStage();
  beforeAll(() => stage.open(databases));
  afterAll(() => stage.close());
  return stage;
}

/** What a plan says beside the usual. */
export interface PlanChanges {
  readonly producer?: Readonly<Record<string, unknown>>;
  readonly plan?: Readonly<Record<string, unknown>>;
}

/** What a run tells of a stream. */
export interface StreamReport {
  readonly stream?: string;
  readonly state?: string;
  readonly bytes?: number;
}

/**
 * A cluster with stand-ins for gpbackup and gprestore, an agent for each of its hosts, the plugin, and
 * the `penstock` command.
 */
export class GpbackupStage {
  readonly signal: AbortSignal = AbortSignal.timeout(STAGE_LIMIT_MS);
  readonly #stack: AsyncDisposableStack = new AsyncDisposableStack();
  #greenplum: GpbackupCluster | undefined;
  #cluster: Cluster | undefined;
  #dir = "";
  #plugin = "";
  #handWritten: Promise<string> | undefined;
  #copies = 0;

  async open(databases: Readonly<Record<string, FillOptions>>): Promise<void> {
    this.#dir = this.#stack.use(await TempDir.create()).path;
    const own = { dir: join(this.#dir, "gp"), segments: SEGMENTS, limitMs: STAGE_LIMIT_MS };
    const greenplum = this.#stack.use(await GpbackupCluster.start(own, this.signal));
    this.#greenplum = greenplum;
    const filled = Object.entries(databases);
    await Promise.all(filled.map(([name, options]) => greenplum.createDatabase(name, options)));
    this.#plugin = await installProgram("gpbackup_penstock_plugin", await this.#programs());
    this.#cluster = await this.#startAgents(greenplum);
    const hosts = HOSTS.map((name) => [
      name,
      { env: { PENSTOCK_PLUGIN_SOCKET: this.socketOf(name) } },
    ]);
    await greenplum.setHosts(Object.fromEntries(hosts));
    await this.plan();
  }

  async close(): Promise<void> {
    await this.#stack.disposeAsync();
  }

  get greenplum(): GpbackupCluster {
    if (this.#greenplum === undefined) throw new Error("the stage is not open");
    return this.#greenplum;
  }

  get cluster(): Cluster {
    if (this.#cluster === undefined) throw new Error("the stage is not open");
    return this.#cluster;
  }

  get dir(): string {
    return this.#dir;
  }

  /** The plugin's program. */
  get plugin(): string {
    return this.#plugin;
  }

  socketOf(host: string): string {
    return join(this.#dir, "penstock/hosts", host, "state/plugin.sock");
  }

  /** Writes the configuration: the plan `nightly`, with these changes. */
  async plan({ producer = {}, plan = {} }: PlanChanges = {}): Promise<void> {
    const usual = { type: "gpbackup", coordinator: "mdw", database: "testdb" };
    const nightly = { producer: { ...usual, ...producer }, targets: ["local"], ...plan };
    await this.cluster.configure({ plans: { nightly } });
  }

  /**
   * The configuration of the plugin as somebody writes it who runs gpbackup by hand. It is written once:
   * processes that have been told of it may read it at any time.
   */
  async handWritten(): Promise<string> {
    this.#handWritten ??= this.#writeByHand();
    return await this.#handWritten;
  }

  /** Runs a `penstock` command to its end. */
  async penstock(...args: string[]): Promise<Outcome> {
    return await this.cluster.penstock(args, this.signal);
  }

  async startPenstock(...args: string[]): Promise<Child> {
    return await this.cluster.startPenstock(args, this.signal);
  }

  /** Runs a command that must succeed, with its result as JSON. */
  async result(...args: string[]): Promise<unknown> {
    const outcome = await this.penstock(...withJson(args));
    expect(outcome, `${outcome.stderr}${outcome.stdout.slice(-2000)}`).toMatchObject({ status: 0 });
    return JSON.parse(outcome.stdout.trimEnd().split("\n").at(-1) ?? "");
  }

  /** Runs the plan, which must succeed. */
  async backup(): Promise<Manifest> {
    return (await this.result("backup", "nightly")) as Manifest;
  }

  /** Restores a set of the plan into a new database, and returns its name. */
  async restore(set: string, ...options: string[]): Promise<string> {
    return (await this.restoreTold(set, ...options)).database;
  }

  /** The same, with all that was told meanwhile. */
  async restoreTold(
    set: string,
    ...options: string[]
  ): Promise<{ readonly database: string; readonly reports: readonly StreamReport[] }> {
    const database = `copy${++this.#copies}`;
    const redirect = ["--create-db", "--redirect-db", database, ...options];
    const words = withJson(["restore", "nightly", "--set", set, "--", ...redirect]);
    const { status, stdout, stderr } = await this.penstock(...words);
    expect(status, stderr).toBe(0);
    const reports = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as StreamReport);
    return { database, reports };
  }

  /** Runs gpbackup by hand. */
  async gpbackup(database: string, ...flags: string[]): Promise<Outcome> {
    const args = ["--dbname", database, "--plugin-config", await this.handWritten(), ...flags];
    return await this.greenplum.run("gpbackup", args, this.signal);
  }

  async startGpbackup(database: string, ...flags: string[]): Promise<Child> {
    const args = ["--dbname", database, "--plugin-config", await this.handWritten(), ...flags];
    return await this.greenplum.startProgram("gpbackup", args, this.signal);
  }

  /** Lets every gpbackup of a database wait for a lock, when its set is open, until it is released. */
  async holdGpbackup(
    database: string,
  ): Promise<AsyncDisposable & { readonly release: () => Promise<void> }> {
    const client = await connect(this.greenplum.coordinator, database);
    await client.query("begin");
    await client.query("lock table public.t_heap in access exclusive mode");
    const release = async (): Promise<void> => await client.end();
    return { release, [Symbol.asyncDispose]: release };
  }

  /** Runs gprestore by hand, into a new database. */
  async gprestore(
    timestamp: string,
    ...flags: string[]
  ): Promise<{ readonly outcome: Outcome; readonly database: string }> {
    const database = `copy${++this.#copies}`;
    const what = ["--timestamp", timestamp, "--plugin-config", await this.handWritten()];
    const args = [...what, "--create-db", "--redirect-db", database, ...flags];
    return { outcome: await this.greenplum.run("gprestore", args, this.signal), database };
  }

  /** All sets, newest first. */
  async sets(): Promise<readonly { readonly set: string; readonly status: string }[]> {
    return JSON.parse((await this.penstock("list", "-o", "json")).stdout);
  }

  /** Resolves with the name of a stream when bytes of it have been stored. */
  async untilFlowing(): Promise<string> {
    const find = async (): Promise<string | undefined> => {
      const { stdout } = await this.penstock("status", "-o", "json");
      const [run] = JSON.parse(stdout || "[]") as {
        readonly streams: readonly { readonly name: string; readonly bytes: number }[];
      }[];
      return run?.streams.find(({ bytes }) => bytes > 0)?.name;
    };
    return await untilFound(find, "a stream that flows", this.signal);
  }

  /** The number of a process of this stage with all these words in its arguments, once there is one. */
  async untilProcess(...words: readonly string[]): Promise<number> {
    const find = async (): Promise<number | undefined> => {
      const lines = await processesWith(this.#dir);
      const line = lines.find((each) => words.every((word) => each.includes(word)));
      return line === undefined ? undefined : Number(/^process (\d+)/.exec(line)?.[1]);
    };
    return await untilFound(find, `a process with ${words.join(" ")}`, this.signal);
  }

  /** What is in both databases is the same. */
  async expectEqual(one: string, other: string): Promise<void> {
    const [a, b] = await Promise.all([
      this.greenplum.checksums(one),
      this.greenplum.checksums(other),
    ]);
    expect(a).toEqual(b);
  }

  /**
   * No process of the plugin or of gpbackup, no run, and nothing on the hosts: at the latest soon. Helpers of
   * a gpbackup that was killed stay, as they do without us.
   */
  async untilNothingLeft(): Promise<void> {
    const soon = AbortSignal.timeout(CLEAN_LIMIT_MS);
    const words = [this.#plugin, "gpbackup.ts", "gprestore.ts", "main.ts gpbackup"];
    await untilNone(async () => {
      const ours = await processesWith(this.#dir);
      const left = ours.filter((line) => words.some((word) => line.includes(word)));
      const { stdout: runs } = await this.penstock("status", "-o", "json"); // it holds the plan's lock
      const running = ["", "[]"].includes(runs.trim()) ? [] : [`a run: ${runs}`];
      return [...left, ...running, ...(await this.cluster.leftOvers())];
    }, soon);
  }

  /** What the newest set's `failed.json` says; fails if it is committed. */
  async failure(): Promise<Manifest> {
    const [newest] = await this.sets();
    expect(newest).toMatchObject({ status: "failed" });
    const path = join(this.cluster.store, "warehouse", newest?.set ?? "", "failed.json");
    return JSON.parse(await readFile(path, "utf8"));
  }

  async #writeByHand(): Promise<string> {
    const path = join(this.#dir, "plugin.yaml");
    const penstock = await installProgram("penstock", await this.#programs());
    const config = this.cluster.configFile;
    const options = { plan: "nightly", penstock, config, restore_subset: "on" };
    await writeFile(path, stringify({ executablepath: this.#plugin, options }));
    return path;
  }

  async #programs(): Promise<string> {
    const folder = join(this.#dir, "bin");
    await mkdir(folder, { recursive: true });
    return folder;
  }

  async #startAgents(greenplum: GpbackupCluster): Promise<Cluster> {
    const dir = join(this.#dir, "penstock");
    await mkdir(dir);
    const tools = {
      gpbackup: greenplum.programPath("gpbackup"),
      gprestore: greenplum.programPath("gprestore"),
    };
    const agentSettings = { plugin: { executable: this.#plugin } };
    const options = { dir, hosts: HOSTS, tools, agentSettings };
    return this.#stack.use(await Cluster.start(options, this.signal));
  }
}

/** What is behind `--` is not for the command itself. */
function withJson([command = "", ...args]: readonly string[]): string[] {
  return [command, "-o", "json", ...args];
}
