import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** One connection: the side of the client and that of the target. */
interface Pair {
  readonly client: Socket;
  readonly target: Socket;
}

/** The network between a controller and one agent, as one that can be cut. */
export class Wire implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: string;
  readonly #sockets: Set<Socket> = new Set();
  readonly #pairs: Set<Pair> = new Set();
  #isDown = false;
  #isHeld = false;
  #toBreak = 0;
  #connections = 0;

  private constructor(target: string) {
    this.#target = target;
    this.#server = createServer((client) => this.#join(client));
  }

  /** Listens on loopback for connections to `target`, "host:port". */
  static async start(target: string): Promise<Wire> {
    const wire = new Wire(target);
    wire.#server.listen(0, "127.0.0.1");
    await once(wire.#server, "listening");
    return wire;
  }

  /** "host:port" to connect to instead of the target. */
  get address(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `${address}:${port}`;
  }

  /** Breaks all connections there are; new ones can be made. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** What the target says on the connections there are gets lost from now on, until they are cut. */
  loseAnswers(): void {
    for (const { client, target } of this.#pairs) target.unpipe(client).resume();
  }

  /** Breaks the connection of this number as soon as it is made; the first one is 1. */
  breakConnection(number: number): void {
    this.#toBreak = number;
  }

  /** Breaks all connections, and every new one. */
  takeDown(): void {
    this.#isDown = true;
    this.cut();
  }

  /** New connections can be made again. */
  bringUp(): void {
    this.#isDown = false;
  }

  /** From now on nothing comes through, in no direction and on no connection; nothing is lost. */
  hold(): void {
    this.#isHeld = true;
    for (const pair of this.#pairs) hold(pair);
  }

  /** What was held comes through, and what comes after it. Nothing happens if nothing is held. */
  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    for (const pair of this.#pairs) join(pair);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(client: Socket): void {
    this.#connections += 1;
    if (this.#isDown || this.#connections === this.#toBreak) {
      client.resetAndDestroy();
      return;
    }
    const [host, port] = this.#target.split(":");
    const agent = connect(Number(port), host);
    const pair = { client, target: agent };
    this.#pairs.add(pair);
    client.once("close", () => this.#pairs.delete(pair));
    for (const [one, other] of [
      [client, agent],
      [agent, client],
    ] as const) {
      this.#sockets.add(one);
      one.on("error", () => {}); // its close says enough
      one.once("close", () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
    if (!this.#isHeld) join(pair);
  }
}

function join({ client, target }: Pair): void {
  client.pipe(target);
  target.pipe(client);
}

function hold({ client, target }: Pair): void {
  client.unpipe(target);
  target.unpipe(client);
}
