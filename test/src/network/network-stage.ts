import { Cluster } from "../harness/cluster.ts";
import { TempDir } from "../harness/temp-dir.ts";
import { Network, type NetworkOptions } from "./network.ts";

/** What a stage consists of: a network, and agents on its hosts. */
export interface NetworkStageOptions extends NetworkOptions {
  /** Further keys of every agent's configuration. */
  readonly agentSettings?: Readonly<Record<string, unknown>>;
}

/** For all stories of a file, which have hosts of their own if they run at one time. */
export class NetworkStage {
  readonly signal: AbortSignal = AbortSignal.timeout(1_500_000);
  readonly #stack = new AsyncDisposableStack();
  #network: Network | undefined;
  #cluster: Cluster | undefined;
  #dir = "";

  async open(options: NetworkStageOptions): Promise<void> {
    const { hosts, agentSettings = {} } = options;
    this.#dir = this.#stack.use(await TempDir.create()).path;
    const network = this.#stack.use(await Network.create(options, this.signal));
    const tools = { sh: "/bin/sh" };
    const cluster = { dir: this.#dir, hosts, tools, agentSettings, network };
    this.#cluster = this.#stack.use(await Cluster.start(cluster, this.signal));
    this.#network = network;
  }

  async close(): Promise<void> {
    await this.#stack.disposeAsync();
  }

  get network(): Network {
    if (this.#network === undefined) throw new Error("the stage is not open");
    return this.#network;
  }

  get cluster(): Cluster {
    if (this.#cluster === undefined) throw new Error("the stage is not open");
    return this.#cluster;
  }

  /** For whatever a story needs; it is removed with the cluster. */
  get dir(): string {
    return this.#dir;
  }
}
