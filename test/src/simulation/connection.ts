import {
  type Channel,
  PenstockError,
  raceAbort,
  serializeTransfer,
  toPenstockError,
} from "@penstock/common";
import { decodeParcel, type Outgoing, type Parcel, type TransferBody } from "./parcel.ts";
import type { VirtualProcess } from "./virtual-process.ts";
import type { Wire } from "./wire.ts";

/** What a side of a connection is made of. */
export interface ConnectionEndOptions {
  readonly out: Wire;
  readonly incoming: Wire;
  /** Sees each message before it leaves. */
  readonly onSend: (message: Outgoing) => void;
}

/** How a side's view of the connection has ended. */
type Outcome = { readonly error: Error } | "end";

/**
 * One side of a connection, with what gRPC promises and no more: `send` queues, a server can say why
 * it ends, a client cannot, and either may never hear of what became of the other.
 */
export class ConnectionEnd implements Channel {
  readonly process: VirtualProcess;
  readonly #isServer: boolean;
  readonly #out: Wire;
  readonly #in: Wire;
  readonly #onSend: (message: Outgoing) => void;
  readonly #unread: TransferBody[] = [];
  #outcome: Outcome | undefined;
  #hasEnded = false;
  #arrived: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(
    process: VirtualProcess,
    isServer: boolean,
    { out, incoming, onSend }: ConnectionEndOptions,
  ) {
    this.process = process;
    this.#isServer = isServer;
    this.#out = out;
    this.#in = incoming;
    this.#onSend = onSend;
  }

  /** Nobody has to do anything about it any more; what is dead beneath it, keep-alive finds. */
  get isReleased(): boolean {
    return this.#outcome !== undefined || this.#hasEnded;
  }

  async send(message: Outgoing, signal: AbortSignal): Promise<void> {
    if (this.#outcome !== undefined || this.#hasEnded) throw new Error("the connection is closed");
    this.#onSend(message);
    this.#out.put({ kind: "message", bytes: Buffer.from(serializeTransfer(message)) });
    while (this.#out.isFull && this.#outcome === undefined) {
      await raceAbort(this.#out.changed, signal);
    }
  }

  async next(signal: AbortSignal): Promise<TransferBody> {
    for (;;) {
      if (this.#unread.length > 0) {
        this.#in.read();
        return this.#unread.shift();
      }
      if (this.#outcome === "end") return undefined;
      if (this.#outcome !== undefined) throw this.#outcome.error;
      await raceAbort(this.#arrived.promise, signal);
    }
  }

  end(): void {
    if (this.#hasEnded || this.#outcome !== undefined) return;
    this.#hasEnded = true;
    this.#out.put({ kind: "end" });
  }

  cut(): void {
    if (!this.#isServer) this.#finish({ kind: "reset" }, new Error("the connection was cut"));
    else if (this.#out.isFull) this.#vanish();
    else this.fail(new PenstockError("unreachable", "the connection was cut"));
  }

  fail(thrown: Error): void {
    if (!this.#isServer) this.cut();
    else if (!this.#hasEnded) {
      const error = toPenstockError(thrown, "agent");
      this.#finish({ kind: "error", error }, error);
    }
  }

  /** Something has come over the wire. */
  receive(parcel: Parcel, isCorrupted: boolean): void {
    if (!this.process.isAlive || this.#outcome !== undefined) return;
    switch (parcel.kind) {
      case "message":
        this.#unread.push(decodeParcel(parcel, isCorrupted));
        this.#wake();
        return;
      case "end":
        this.#conclude("end");
        return;
      case "error":
        this.#conclude({ error: parcel.error });
        return;
      case "reset":
        this.#unread.length = 0;
        this.#conclude({ error: new Error("connection broken") });
    }
  }

  #finish(parcel: Parcel, error: Error): void {
    if (this.#outcome !== undefined) return;
    this.#out.put(parcel);
    this.#unread.length = 0;
    this.#conclude({ error });
  }

  /** gRPC's server destroys a call without a word if it cannot even write. */
  #vanish(): void {
    if (this.#outcome !== undefined) return;
    this.#out.die();
    this.#unread.length = 0;
    this.#conclude({ error: new Error("the connection was cut") });
  }

  /** A client that has ended its side still hears the server; it has nothing more to do, though. */
  #conclude(outcome: Outcome): void {
    this.#outcome ??= outcome;
    this.#wake();
    this.#out.wake();
  }

  #wake(): void {
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
  }
}
