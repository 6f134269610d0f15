import type { ClusterNetwork } from "../harness/cluster.ts";
import type { Place } from "../harness/place.ts";
import { TempDir } from "../harness/temp-dir.ts";
import { command, commandOf } from "./commands.ts";
import { compileDelay, DelayLine, type DelayOptions } from "./delay-line.ts";
import { removeNameSpaces, removeOrphans, uniquePrefix } from "./name-spaces.ts";

/** What a network is made of. */
export interface NetworkOptions {
  /** The hosts of agents; one more, `controller`, is always there. */
  readonly hosts: readonly string[];
  /** Of all links; default 1500. */
  readonly mtu?: number;
}

const SUBNET = "10.117.0";

/**
 * Hosts on a switch of their own, each with its own interfaces, addresses and TCP, in network name
 * spaces: links that can be cut, slowed down, and made to lose what they carry. The machine's own
 * network is not touched, and other networks of this kind are not seen. Disposing of it ends the
 * links; programs in it are the caller's.
 */
export class Network implements ClusterNetwork, AsyncDisposable {
  readonly #prefix: string;
  readonly #hosts: readonly string[];
  readonly #mtu: number;
  readonly #stack = new AsyncDisposableStack();

  private constructor(prefix: string, hosts: readonly string[], mtu: number) {
    this.#prefix = prefix;
    this.#hosts = hosts;
    this.#mtu = mtu;
  }

  /** Makes the network. Needs root and the programs that `findMissing` asks for. */
  static async create(
    { hosts, mtu = 1500 }: NetworkOptions,
    signal: AbortSignal,
  ): Promise<Network> {
    await removeOrphans(signal);
    const network = new Network(uniquePrefix(), ["controller", ...hosts], mtu);
    try {
      await network.#make(signal);
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
    return network;
  }

  place(host: string): Place {
    return {
      address: `${SUBNET}.${this.#number(host)}`,
      launcher: ["ip", "netns", "exec", this.#space(host)],
    };
  }

  /** Pulls the host's cable out. Whoever sends over it is not told; connections stay as they are. */
  async linkDown(host: string, signal: AbortSignal): Promise<void> {
    await command(`ip -n ${this.#switch} link set ${this.#port(host)} down`, signal);
  }

  /** And puts it in again. */
  async linkUp(host: string, signal: AbortSignal): Promise<void> {
    await command(`ip -n ${this.#switch} link set ${this.#port(host)} up`, signal);
  }

  /** What the host sends is lost without a word; what is sent to it arrives. */
  async dropFrom(host: string, signal: AbortSignal): Promise<void> {
    await this.#drop(host, "ingress", signal);
  }

  /** What is sent to the host is lost without a word; what it sends arrives. */
  async dropTo(host: string, signal: AbortSignal): Promise<void> {
    await this.#drop(host, "egress", signal);
  }

  /** As a firewall that has forgotten them: each connection ends with a reset when it is next used. */
  async resetConnections(host: string, signal: AbortSignal): Promise<void> {
    const rules = [
      "add table inet fault",
      "add chain inet fault input { type filter hook input priority 0; }",
      "add rule inet fault input meta l4proto tcp reject with tcp reset",
    ];
    await this.#nft(this.#space(host), rules, signal);
  }

  /** Ends what `dropFrom`, `dropTo` and `resetConnections` have begun. */
  async heal(host: string, signal: AbortSignal): Promise<void> {
    const table = this.#faultTable(host);
    await this.#nft(this.#switch, [`add table ${table}`, `delete table ${table}`], signal);
    const resets = ["add table inet fault", "delete table inet fault"];
    await this.#nft(this.#space(host), resets, signal);
  }

  /** From now on the link carries no more than this in each direction, e.g. "50mbit". */
  async limitRate(host: string, rate: string, signal: AbortSignal): Promise<void> {
    const bucket = `root tbf rate ${rate} burst 512kb latency 50ms`;
    await command(`tc -n ${this.#switch} qdisc replace dev ${this.#port(host)} ${bucket}`, signal);
    await command(`tc -n ${this.#space(host)} qdisc replace dev eth0 ${bucket}`, signal);
  }

  /** From now on the link is that long, and loses that much. Once for each host. */
  async delay(host: string, options: DelayOptions, signal: AbortSignal): Promise<void> {
    const program = await this.#delayProgram(signal);
    const [sw, n] = [this.#switch, this.#number(host)];
    const [bridge, near, far] = [`bridge${n}`, `near${n}`, `far${n}`];
    const launcher = ["ip", "netns", "exec", sw];
    this.#stack.use(await DelayLine.start(program, [near, far], options, launcher, signal));
    await command(`ip -n ${sw} link add ${bridge} mtu ${this.#mtu} type bridge`, signal);
    for (const [port, master] of [
      [this.#port(host), bridge],
      [near, bridge],
      [far, "switch"],
    ]) {
      await command(`ip -n ${sw} link set ${port} mtu ${this.#mtu} master ${master} up`, signal);
    }
    await command(`ip -n ${sw} link set ${bridge} up`, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
    await removeNameSpaces(this.#prefix, AbortSignal.timeout(60_000));
  }

  async #make(signal: AbortSignal): Promise<void> {
    await command(`ip netns add ${this.#switch}`, signal);
    await command(`ip -n ${this.#switch} link add switch mtu ${this.#mtu} type bridge`, signal);
    await command(`ip -n ${this.#switch} link set switch up`, signal);
    for (const host of this.#hosts) await this.#plugIn(host, signal);
  }

  async #plugIn(host: string, signal: AbortSignal): Promise<void> {
    const [sw, space, port, mtu] = [this.#switch, this.#space(host), this.#port(host), this.#mtu];
    const peer = `peer name eth0 mtu ${mtu} netns ${space}`;
    await command(`ip netns add ${space}`, signal);
    await command(`ip -n ${sw} link add ${port} mtu ${mtu} type veth ${peer}`, signal);
    await command(`ip -n ${sw} link set ${port} master switch up`, signal);
    await command(`ip -n ${space} address add ${this.place(host).address}/24 dev eth0`, signal);
    await command(`ip -n ${space} link set eth0 up`, signal);
    await command(`ip -n ${space} link set lo up`, signal);
  }

  async #drop(host: string, hook: "ingress" | "egress", signal: AbortSignal): Promise<void> {
    const table = this.#faultTable(host);
    const where = `hook ${hook} device ${this.#port(host)} priority 0`;
    const chain = `add chain ${table} ${hook} { type filter ${where}; policy drop; }`;
    await this.#nft(this.#switch, [`add table ${table}`, chain], signal);
  }

  async #nft(space: string, rules: readonly string[], signal: AbortSignal): Promise<void> {
    await commandOf("ip", ["netns", "exec", space, "nft", rules.join("; ")], signal);
  }

  async #delayProgram(signal: AbortSignal): Promise<string> {
    return await compileDelay(this.#stack.use(await TempDir.create()).path, signal);
  }

  get #switch(): string {
    return `${this.#prefix}switch`;
  }

  #space(host: string): string {
    return `${this.#prefix}${host}`;
  }

  /** The switch's end of the host's cable. */
  #port(host: string): string {
    return `port${this.#number(host)}`;
  }

  #faultTable(host: string): string {
    return `netdev fault${this.#number(host)}`;
  }

  #number(host: string): number {
    const index = this.#hosts.indexOf(host);
    if (index === -1) throw new Error(`no host is called ${host}`);
    return index + 1;
  }
}
