import type { Open } from "@penstock/proto";
import { raceAbort } from "../byte-stream.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { Channel } from "./channel.ts";
import type { ChannelSource, Connected } from "./channel-source.ts";
import { startHeartbeat } from "./heartbeat.ts";

/** A connection that has been answered and waits to be used. */
interface Answered extends Connected {
  /** Kept alive meanwhile: who will use it may be waiting for a slow consumer. */
  readonly heartbeat: Disposable;
}

/**
 * The agent's connections of one stream: each incoming call is answered at once, the newest one
 * wins. It waits without limit; the run's lease ends it through the signal.
 */
export class AcceptingSource implements ChannelSource {
  readonly clock: Clock;
  readonly isWaitingForTool: () => boolean;
  readonly #placeFor: (open: Open) => number;
  #answered: Answered | undefined;
  #arrival = Promise.withResolvers<void>();
  #current: Channel | undefined;
  #failure: Error | undefined;

  /** `placeFor` says where a connection begins: a receiver's own place, or what a sender is asked for. */
  constructor(
    placeFor: (open: Open) => number,
    clock: Clock = systemClock,
    isWaitingForTool: () => boolean = () => false,
  ) {
    this.#placeFor = placeFor;
    this.clock = clock;
    this.isWaitingForTool = isWaitingForTool;
  }

  /** A call has come in. Any earlier one is cut: its peer has given it up. */
  offer(channel: Channel, open: Open, signal: AbortSignal): void {
    this.#drop();
    if (this.#failure !== undefined) {
      channel.fail(this.#failure);
      return;
    }
    this.#current?.cut(); // first: what it still acknowledges does not count any more
    const offset = this.#placeFor(open);
    const opened = { offset: BigInt(offset) };
    // If it breaks already, whoever uses it finds out.
    channel.send({ message: { $case: "opened", value: opened } }, signal).catch(() => {});
    this.#answered = { channel, offset, heartbeat: startHeartbeat(channel, this, signal) };
    this.#arrival.resolve();
  }

  /** The stream has failed: calls that come now, and the one that waits, are told why. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#answered?.channel.fail(error);
    this.#drop();
  }

  async next(_ownOffset: number | undefined, signal: AbortSignal): Promise<Connected> {
    for (;;) {
      const answered = this.#answered;
      if (answered !== undefined) {
        this.#answered = undefined;
        this.#arrival = Promise.withResolvers();
        this.#current = answered.channel;
        answered.heartbeat[Symbol.dispose]();
        return answered;
      }
      await raceAbort(this.#arrival.promise, signal);
    }
  }

  /** Never gives up by itself: a mover comes back, or the lease ends. */
  broken(): void {}

  #drop(): void {
    this.#answered?.heartbeat[Symbol.dispose]();
    this.#answered?.channel.cut();
    this.#answered = undefined;
  }
}
