import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createCertificates } from "../harness/certificates.ts";
import { type Child, type ChildOptions, type Outcome, run } from "../harness/child.ts";
import { CLUSTER_NAME, Cluster, type Plans } from "../harness/cluster.ts";
import type { Process } from "../harness/processes.ts";
import { programWords, startProgram } from "../harness/programs.ts";
import { Wire } from "../harness/wire.ts";
import { Health } from "./health.ts";
import { Pool } from "./pool.ts";
import { PLANS, type PlanName, type StreamPlan } from "./round-plan.ts";

/** A committed set, and what must be in it. */
export interface KnownSet {
  readonly set: string;
  readonly plan: PlanName;
  /** Its name. */
  readonly target: string;
  readonly streams: readonly StreamPlan[];
}

/** A cluster where a soak takes place. */
export interface GroundOptions {
  /** Everything lies below it. */
  readonly dir: string;
  readonly hosts: readonly string[];
  readonly seed: number;
}

/** Memory for the replay buffers of an agent; together with what it takes itself it bounds its size. */
const AGENT_SETTINGS = { memory: "256MiB", replayBuffer: "32MiB" };

/**
 * Real agents on loopback, each behind a wire that can be cut, and the `penstock` command. What
 * was committed here and not removed is known. Disposing of it ends everything; the folder stays.
 */
export class Ground implements AsyncDisposable {
  readonly dir: string;
  readonly cluster: Cluster;
  readonly pool: Pool;
  /** Newest last. */
  readonly sets: KnownSet[] = [];
  /** Processes that must end by themselves, since what started them was killed. */
  readonly orphans: Process[] = [];
  /** What has been left behind and told of already. */
  readonly reported: Set<string> = new Set();
  readonly health: Health = new Health();
  /** What comes in front of a command line, e.g. to see a disk of its own. */
  launcher: readonly string[] = [];
  readonly #wires: ReadonlyMap<string, Wire>;

  private constructor(dir: string, cluster: Cluster, pool: Pool, wires: ReadonlyMap<string, Wire>) {
    this.dir = dir;
    this.cluster = cluster;
    this.pool = pool;
    this.#wires = wires;
  }

  /** Starts the agents; whether they have more than one thread follows from the seed. */
  static async open({ dir, hosts, seed }: GroundOptions, signal: AbortSignal): Promise<Ground> {
    const certificates = join(dir, "pki");
    await createCertificates({ dir: certificates, cluster: CLUSTER_NAME, agents: hosts });
    const threads = 1 + (seed % 2);
    const agentSettings = { ...AGENT_SETTINGS, threads };
    const tools = { sh: "/bin/sh" };
    const pool = await Pool.create(join(dir, "pool"), seed);
    const cluster = await Cluster.start({ dir, hosts, certificates, tools, agentSettings }, signal);
    const wires = new Map<string, Wire>();
    const ground = new Ground(dir, cluster, pool, wires);
    try {
      for (const { name, address } of cluster.hosts) wires.set(name, await Wire.start(address));
      for (const plan of PLANS) await mkdir(join(cluster.store, plan), { recursive: true });
    } catch (error) {
      await ground[Symbol.asyncDispose]();
      throw error;
    }
    return ground;
  }

  wire(host: string): Wire {
    const wire = this.#wires.get(host);
    if (wire === undefined) throw new Error(`no wire leads to ${host}`);
    return wire;
  }

  /** The folder of a plan's target. */
  storeOf(plan: PlanName): string {
    return join(this.cluster.store, plan);
  }

  /** Writes `penstock.yaml`. Every agent is reached through its wire. */
  async configure({ plans, targets = {} }: Plans): Promise<void> {
    const stores = PLANS.map((plan) => [plan, { url: `file://${this.storeOf(plan)}` }]);
    await this.cluster.configure({ plans, targets: { ...Object.fromEntries(stores), ...targets } });
    const { configFile, hosts } = this.cluster;
    let text = await readFile(configFile, "utf8");
    for (const { name, address } of hosts) text = text.replace(address, this.wire(name).address);
    await writeFile(configFile, text);
  }

  /** Starts a `penstock` command. */
  async start(args: readonly string[], signal: AbortSignal): Promise<Child> {
    return await startProgram("penstock", this.#withConfig(args), this.#options(), signal);
  }

  /** Runs a `penstock` command to its end. */
  async penstock(args: readonly string[], signal: AbortSignal): Promise<Outcome> {
    await using child = await this.start(args, signal);
    return await child.outcome;
  }

  /** Runs a `penstock` command whose standard output goes to a file. */
  async penstockInto(file: string, args: readonly string[], signal: AbortSignal): Promise<Outcome> {
    const words = programWords("penstock", this.#withConfig(args));
    return await run("sh", ["-c", `exec ${words} > '${file}'`], this.#options(), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
    for (const wire of this.#wires.values()) await wire[Symbol.asyncDispose]();
  }

  #withConfig(args: readonly string[]): string[] {
    return [...args, "--config", this.cluster.configFile];
  }

  #options(): ChildOptions {
    return { launcher: this.launcher };
  }
}
