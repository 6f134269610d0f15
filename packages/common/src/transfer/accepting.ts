import type { Open } from "@penstock/proto";
import { raceAbort } from "../byte-stream.ts";
import type { Channel } from "./channel.ts";
import type { ChannelSource, Connected } from "./channel-source.ts";

interface Offer {
  readonly channel: Channel;
  readonly open: Open;
}

/**
 * The agent's connections of one stream: each incoming call is offered, the newest one wins. It
 * waits without limit; the run's lease ends it through the signal.
 */
export class AcceptingSource implements ChannelSource {
  #offered: Offer | undefined;
  #arrival = Promise.withResolvers<void>();
  #current: Channel | undefined;

  /** A call has come in. Any earlier one is cut: its peer has given it up. */
  offer(channel: Channel, open: Open): void {
    this.#offered?.channel.cut();
    this.#current?.cut();
    this.#offered = { channel, open };
    this.#arrival.resolve();
  }

  async next(ownOffset: number | undefined, signal: AbortSignal): Promise<Connected> {
    for (;;) {
      const { channel, open } = await this.#accept(signal);
      const offset = ownOffset ?? Number(open.offset);
      try {
        const opened = { offset: BigInt(offset) };
        await channel.send({ message: { $case: "opened", value: opened } }, signal);
        return { channel, offset };
      } catch {
        signal.throwIfAborted(); // else the call broke before it was answered: wait for the next
      }
    }
  }

  /** Never gives up by itself: a mover comes back, or the lease ends. */
  broken(): void {}

  async #accept(signal: AbortSignal): Promise<Offer> {
    for (;;) {
      const offered = this.#offered;
      if (offered !== undefined) {
        this.#offered = undefined;
        this.#arrival = Promise.withResolvers();
        this.#current = offered.channel;
        return offered;
      }
      await raceAbort(this.#arrival.promise, signal);
    }
  }
}
