import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { AgentHost, type AgentHostOptions } from "./agent-host.ts";
import { createCertificates } from "./certificates.ts";
import type { Child, Outcome } from "./child.ts";
import { findLeftOvers } from "./left-overs.ts";
import { LOOPBACK, type Place } from "./place.ts";
import { runProgram, startProgram } from "./programs.ts";

/** What a cluster is made of. */
export interface ClusterOptions {
  /** Everything lies below it. */
  readonly dir: string;
  readonly hosts: readonly string[];
  /** The allow-list of every agent. */
  readonly tools: Readonly<Record<string, string>>;
  /** Further keys of every agent's configuration. */
  readonly agentSettings?: AgentHostOptions["settings"];
  /** A folder with certificates for these hosts; they are made if it is not given. */
  readonly certificates?: string;
  /** Where the agents and the commands run; default: all on this machine. */
  readonly network?: ClusterNetwork;
}

/** Places for a cluster's programs. */
export interface ClusterNetwork {
  /** Of a host, or of `controller`. */
  place(name: string): Place;
}

/** What `penstock.yaml` says beside the cluster itself. */
export interface Plans {
  readonly plans: Readonly<Record<string, unknown>>;
  /** Default: `local`, a folder of the cluster. */
  readonly targets?: Readonly<Record<string, unknown>>;
}

/** The name of every cluster. */
export const CLUSTER_NAME = "warehouse";

/**
 * Real agents as processes on loopback, certificates, and the `penstock` command with a
 * configuration. Disposing of it ends the agents; the folder is the caller's.
 */
export class Cluster implements AsyncDisposable {
  readonly hosts: readonly AgentHost[];
  readonly configFile: string;
  /** The folder of the target `local`. */
  readonly store: string;
  /** Where the commands keep what belongs to their runs. */
  readonly runDirectory: string;
  readonly #certificates: string;
  readonly #options: ClusterOptions;

  private constructor(
    options: ClusterOptions,
    certificates: string,
    hosts: readonly AgentHost[],
    configuration = "penstock.yaml",
  ) {
    this.hosts = hosts;
    this.configFile = join(options.dir, configuration);
    this.store = join(options.dir, "store");
    this.runDirectory = join(options.dir, "controller");
    this.#certificates = certificates;
    this.#options = options;
  }

  /** Starts all agents. If one does not start, none is left running. */
  static async start(options: ClusterOptions, signal: AbortSignal): Promise<Cluster> {
    const { dir, hosts: names, tools, agentSettings: settings = {}, network } = options;
    const certificates = options.certificates ?? join(dir, "pki");
    if (options.certificates === undefined) {
      const addressOf = (name: string): string => (network?.place(name) ?? LOOPBACK).address;
      const cluster = CLUSTER_NAME;
      await createCertificates({ dir: certificates, cluster, agents: names, addressOf });
    }
    const starts = names.map((name) => {
      const place = network?.place(name) ?? LOOPBACK;
      const own = { name, dir: join(dir, "hosts", name), cluster: CLUSTER_NAME, place };
      return AgentHost.start({ ...own, certificates, tools, settings }, signal);
    });
    const results = await Promise.allSettled(starts);
    const hosts = results.flatMap((r) => (r.status === "fulfilled" ? [r.value] : []));
    const cluster = new Cluster(options, certificates, hosts);
    const failure = results.find((result) => result.status === "rejected");
    if (failure) {
      await cluster[Symbol.asyncDispose]();
      throw failure.reason;
    }
    await mkdir(cluster.store);
    return cluster;
  }

  /** The same agents with a configuration file of its own, for stories that run at one time. */
  withConfiguration(name: string): Cluster {
    return new Cluster(this.#options, this.#certificates, this.hosts, `${name}.yaml`);
  }

  /** The host of that name. Throws if there is none. */
  host(name: string): AgentHost {
    const host = this.hosts.find((candidate) => candidate.name === name);
    if (!host) throw new Error(`no host is called ${name}`);
    return host;
  }

  /** Writes `penstock.yaml`. */
  async configure({ plans, targets }: Plans): Promise<void> {
    const configuration = {
      cluster: CLUSTER_NAME,
      tls: {
        ca: join(this.#certificates, "ca.pem"),
        cert: join(this.#certificates, "controller.pem"),
        key: join(this.#certificates, "controller.key"),
      },
      runDirectory: this.runDirectory,
      agents: Object.fromEntries(this.hosts.map(({ name, address }) => [name, { address }])),
      targets: targets ?? { local: { url: `file://${this.store}` } },
      plans,
    };
    await writeFile(this.configFile, stringify(configuration));
  }

  /** Runs a `penstock` command with the cluster's configuration to its end. */
  async penstock(args: readonly string[], signal: AbortSignal): Promise<Outcome> {
    return await runProgram("penstock", this.#withConfig(args), this.#place(), signal);
  }

  /** Starts a `penstock` command with the cluster's configuration, for a test that interrupts it. */
  async startPenstock(args: readonly string[], signal: AbortSignal): Promise<Child> {
    return await startProgram("penstock", this.#withConfig(args), this.#place(), signal);
  }

  /** What runs have left on the hosts: files and pipes below the roots, and tools. */
  async leftOvers(): Promise<string[]> {
    return await findLeftOvers(this.hosts.map(({ root }) => root));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.hosts.map((host) => host[Symbol.asyncDispose]()));
  }

  #place(): Place {
    return this.#options.network?.place("controller") ?? LOOPBACK;
  }

  /** What is behind `--` is not for the command itself. */
  #withConfig(args: readonly string[]): string[] {
    const end = args.includes("--") ? args.indexOf("--") : args.length;
    return [...args.slice(0, end), "--config", this.configFile, ...args.slice(end)];
  }
}
