import { raceAbort } from "../byte-stream.ts";
import { keep } from "./block.ts";
import type { Channel, Outgoing, TransferBody } from "./channel.ts";
import { deserializeTransfer, serializeTransfer } from "./frame-codec.ts";

/** How a pair of test channels behaves. */
export interface PairOptions {
  /** Messages, both ways together, until the connection breaks; without it it never does. */
  readonly breakAfter?: number;
  /** Messages that one direction holds before `send` waits. */
  readonly capacity?: number;
}

/**
 * Two ends of a connection in memory, for tests: every message is encoded and decoded, as gRPC would,
 * at the last moment, when the other end takes it. After `breakAfter` messages both ends throw, and what was under way is lost.
 */
export function createChannelPair({
  breakAfter,
  capacity = 4,
}: PairOptions = {}): [Channel, Channel] {
  const state = { left: breakAfter ?? Number.POSITIVE_INFINITY };
  const there = new Pipe(capacity);
  const back = new Pipe(capacity);
  const cut = (): void => {
    there.fail(new Error("connection broken"));
    back.fail(new Error("connection broken"));
  };
  const end = (out: Pipe, incoming: Pipe): Channel => ({
    async send(message, signal) {
      state.left -= 1;
      if (state.left < 0) cut();
      await out.push(message, signal);
    },
    next: (signal) => incoming.pull(signal),
    end: () => out.end(),
    cut,
    fail(error) {
      out.fail(error);
      incoming.fail(error);
    },
  });
  return [end(there, back), end(back, there)];
}

/** A message under way, its bytes still the sender's. */
interface Queued {
  readonly message: Outgoing;
  readonly kept: Disposable | undefined;
}

class Pipe {
  readonly #capacity: number;
  #queue: Queued[] = [];
  #failure: Error | undefined;
  #ended = false;
  #changed: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  async push(message: Outgoing, signal: AbortSignal): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#queue.push({ message, kept: "wire" in message ? keep(message.data) : undefined });
    this.#wake();
    while (this.#queue.length > this.#capacity && this.#failure === undefined) {
      await raceAbort(this.#changed.promise, signal);
    }
  }

  async pull(signal: AbortSignal): Promise<TransferBody | undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const queued = this.#queue.shift();
      if (queued !== undefined) {
        this.#wake();
        return toBody(queued);
      }
      if (this.#ended) return undefined;
      await raceAbort(this.#changed.promise, signal);
    }
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  fail(error: Error): void {
    this.#failure ??= error;
    for (const { kept } of this.#queue) kept?.[Symbol.dispose]();
    this.#queue = [];
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

function toBody({ message, kept }: Queued): TransferBody | undefined {
  const wire = Buffer.from(serializeTransfer(message)); // a copy
  kept?.[Symbol.dispose]();
  return deserializeTransfer(wire).message;
}
