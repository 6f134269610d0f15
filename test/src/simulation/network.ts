import { type Channel, PenstockError } from "@penstock/common";
import { ConnectionEnd } from "./connection.ts";
import type { Cut, NetworkPlan } from "./network-plan.ts";
import { bodyOf, describeParcel, type Outgoing, type Parcel, type TransferBody } from "./parcel.ts";
import type { Random } from "./random.ts";
import type { VirtualProcess } from "./virtual-process.ts";
import { Wire } from "./wire.ts";
import type { World } from "./world.ts";

interface Connection {
  readonly number: number;
  readonly client: ConnectionEnd;
  readonly there: Wire;
  readonly back: Wire;
  server: ConnectionEnd | undefined;
  messages: number;
}

/** Who answers calls. */
export interface Listener {
  readonly process: VirtualProcess;
  onCall(channel: Channel): void;
}

/** One agent's port and whoever calls it. */
export class Network {
  readonly #world: World;
  readonly #plan: NetworkPlan;
  readonly #random: Random;
  readonly #connections: Connection[] = [];
  #listener: Listener | undefined;
  #messages = 0;
  /** Sees each message before it leaves. */
  onSend: (from: VirtualProcess, message: Outgoing) => void = () => {};
  /** Sees each message that arrives. */
  onArrival: (at: VirtualProcess, body: NonNullable<TransferBody>) => void = () => {};

  constructor(world: World, plan: NetworkPlan) {
    this.#world = world;
    this.#plan = plan;
    this.#random = world.random.fork();
  }

  listen(listener: Listener): void {
    this.#listener = listener;
  }

  /** A call to the agent. As with gRPC, whether it gets there shows later. */
  dial(process: VirtualProcess): Channel {
    const number = this.#connections.length + 1;
    const isSlow = this.#random.chance(this.#plan.slowChance);
    const factor = isSlow ? this.#random.between(10, 100) : 1;
    const wire = (direction: "there" | "back", deliver: (parcel: Parcel) => void): Wire =>
      new Wire(this.#world, {
        leastDelayMs: this.#plan.leastDelayMs * factor,
        mostDelayMs: this.#plan.mostDelayMs * factor,
        capacity: this.#plan.capacity,
        blockedUntilMs: () => this.#blockedUntilMs(direction),
        deliver,
      });
    const there = wire("there", (parcel) => this.#toServer(connection, parcel));
    const back = wire("back", (parcel) => this.#toClient(connection, parcel));
    const client = this.#endOf(process, false, there, back);
    const connection: Connection = { number, client, there, back, server: undefined, messages: 0 };
    this.#connections.push(connection);
    this.#world.note(
      process.name,
      () => `calls: connection ${number}${isSlow ? ", a slow one" : ""}`,
    );
    return client;
  }

  /** Runs a small call, such as the renewal of a lease; throws when either way is blocked. */
  async ask<T>(
    process: VirtualProcess,
    answer: () => T | Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    await process.clock.delay(this.#plan.mostDelayMs, signal);
    const listener = this.#listener;
    if (listener?.process.isAlive !== true || this.#isRefusing() || this.#isBlocked()) {
      throw new PenstockError("unreachable", "agent db1 (db1:7411): no answer");
    }
    return await answer();
  }

  /** A process is gone. Its kernel says so to the others, unless the whole host is gone. */
  lose(process: VirtualProcess, isHostGone: boolean): void {
    for (const { client, server, there, back } of this.#connections) {
      for (const [end, out] of [
        [client, there],
        [server, back],
      ] as const) {
        if (end?.process !== process || end.isReleased) continue;
        if (isHostGone) out.die();
        else out.put({ kind: "reset" });
      }
    }
  }

  /** Connections that a process has neither ended nor seen ended. */
  openEnds(process: VirtualProcess): number[] {
    return this.#connections
      .filter(({ client, server }) =>
        [client, server].some((end) => end?.process === process && !end.isReleased),
      )
      .map(({ number }) => number);
  }

  #endOf(process: VirtualProcess, isServer: boolean, out: Wire, incoming: Wire): ConnectionEnd {
    const onSend = (message: Outgoing): void => this.onSend(process, message);
    return new ConnectionEnd(process, isServer, { out, incoming, onSend });
  }

  #toServer(connection: Connection, parcel: Parcel): void {
    const { number, back, there } = connection;
    if (connection.server === undefined) {
      const listener = this.#listener;
      if (parcel.kind !== "message") return; // given up before it arrived
      if (listener?.process.isAlive !== true || this.#isRefusing()) {
        this.#world.step("network", () => `${number} is refused`);
        back.put({ kind: "reset" });
        there.die();
        return;
      }
      connection.server = this.#endOf(listener.process, true, back, there);
      listener.onCall(connection.server);
    }
    this.#pass(connection, connection.server, parcel);
  }

  #toClient(connection: Connection, parcel: Parcel): void {
    this.#pass(connection, connection.client, parcel);
  }

  #pass(connection: Connection, end: ConnectionEnd, parcel: Parcel): void {
    const { number } = connection;
    this.#world.step(end.process.name, () => `${number} brings ${describeParcel(parcel)}`);
    this.#messages += 1;
    const body = bodyOf(parcel);
    if (body !== undefined) this.onArrival(end.process, body);
    end.receive(parcel, this.#messages === this.#plan.corruptedMessage);
    connection.messages += 1;
    const cut = this.#plan.cuts[number - 1];
    if (cut?.afterMessages === connection.messages) this.#break(connection, cut);
  }

  #break({ number, client, server, there, back }: Connection, cut: Cut): void {
    this.#world.note("network", () => `${number} breaks`);
    there.die();
    back.die();
    const tell = (end: ConnectionEnd | undefined, afterMs: number | undefined): void => {
      if (end === undefined || afterMs === undefined) return;
      this.#world.clock.after(afterMs, () => {
        this.#world.step(end.process.name, () => `${number} is found to be broken`);
        end.receive({ kind: "reset" }, false);
      });
    };
    tell(client, cut.clientHearsMs);
    tell(server, cut.serverHearsMs);
  }

  #blockedUntilMs(direction: "there" | "back"): number {
    let untilMs = this.#world.clock.nowMs();
    for (const partition of this.#plan.partitions) {
      if (partition.direction !== "both" && partition.direction !== direction) continue;
      if (partition.fromMs <= untilMs && untilMs < partition.toMs) untilMs = partition.toMs;
    }
    return untilMs;
  }

  #isBlocked(): boolean {
    const nowMs = this.#world.clock.nowMs();
    return this.#blockedUntilMs("there") > nowMs || this.#blockedUntilMs("back") > nowMs;
  }

  #isRefusing(): boolean {
    const nowMs = this.#world.clock.nowMs();
    return this.#plan.refusals.some(({ fromMs, toMs }) => fromMs <= nowMs && nowMs < toMs);
  }
}
