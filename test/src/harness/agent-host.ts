import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Child } from "./child.ts";
import { freePort } from "./free-port.ts";
import { LOOPBACK, type Place } from "./place.ts";
import { startProgram } from "./programs.ts";

/** One "host" of a cluster. */
export interface AgentHostOptions {
  readonly name: string;
  readonly cluster: string;
  /** The host's own folder; made if it is missing. */
  readonly dir: string;
  /** Holds `ca.pem`, and `NAME.pem` and `NAME.key` for this host. */
  readonly certificates: string;
  /** The agent's allow-list. */
  readonly tools: Readonly<Record<string, string>>;
  /** Further keys of the agent's configuration, e.g. `{threads: 2}`. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Where it runs; default: on this machine. */
  readonly place?: Place;
}

const READY = /"msg":"agent is ready"/;
/** Generous: a slow machine is no failure. */
const READY_DEADLINE_MS = 120_000;
/** Somebody else who looks for a port may have been faster. */
const PORT_ATTEMPTS = 5;

/**
 * A real agent process with a folder of its own as its only root. Disposing of it ends the process
 * and keeps the folder.
 */
export class AgentHost implements AsyncDisposable {
  readonly name: string;
  /** The folder that the agent may use; it is empty at first. */
  readonly root: string;
  readonly configFile: string;
  readonly #options: AgentHostOptions;
  readonly #place: Place;
  #port = 0;
  readonly #children: Child[] = [];

  private constructor(options: AgentHostOptions) {
    this.name = options.name;
    this.root = join(options.dir, "backups");
    this.configFile = join(options.dir, "agent.yaml");
    this.#options = options;
    this.#place = options.place ?? LOOPBACK;
  }

  /** Starts an agent on a free port. Returns when it is ready. */
  static async start(options: AgentHostOptions, signal: AbortSignal): Promise<AgentHost> {
    const host = new AgentHost(options);
    await mkdir(host.root, { recursive: true });
    for (let attempt = 1; ; attempt += 1) {
      host.#port = await freePort();
      try {
        await host.start(signal);
        return host;
      } catch (error) {
        const isTaken = `${error}`.includes(`cannot listen at ${host.address}`);
        if (!isTaken || attempt === PORT_ATTEMPTS) throw error;
      }
    }
  }

  /** Of the agent's gRPC server, `host:port`; the same after a restart. */
  get address(): string {
    return `${this.#place.address}:${this.#port}`;
  }

  /** The agent process, running or ended. */
  get child(): Child {
    const child = this.#children.at(-1);
    if (!child) throw new Error(`the agent of ${this.name} has not been started`);
    return child;
  }

  /** Starts the agent again, after it has been ended or killed. */
  async start(signal: AbortSignal): Promise<void> {
    await writeFile(this.configFile, stringify(this.#configuration()));
    const args = ["run", "--config", this.configFile];
    const { launcher } = this.#place;
    const child = await startProgram("penstock-agent", args, { launcher }, signal);
    this.#children.push(child);
    try {
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(READY_DEADLINE_MS)]);
      await child.stdout.waitFor(READY, deadline);
    } catch (cause) {
      const { stderr } = await child.stop();
      throw new Error(`the agent of ${this.name} does not start: ${stderr}`, { cause });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Those that were killed, too: what they started may still be there.
    await Promise.all(this.#children.map((child) => child.stop()));
  }

  #configuration(): object {
    const { name, cluster, dir, certificates, tools, settings } = this.#options;
    return {
      name,
      cluster,
      listen: this.address,
      tls: {
        ca: join(certificates, "ca.pem"),
        cert: join(certificates, `${name}.pem`),
        key: join(certificates, `${name}.key`),
      },
      roots: [this.root],
      tools,
      stateDirectory: join(dir, "state"),
      ...settings,
    };
  }
}
