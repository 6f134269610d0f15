import { setTimeout as delay } from "node:timers/promises";
import type { Open } from "@penstock/proto";
import { type PenstockError, toError } from "../errors.ts";
import type { Channel } from "./channel.ts";
import type { ChannelSource, Connected } from "./channel-source.ts";
import { expectLife } from "./heartbeat.ts";
import { unexpected } from "./unexpected.ts";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/** How a mover reaches one stream of an agent. */
export interface DialOptions {
  /** Starts a call. It may fail later, through the channel. */
  readonly call: () => Channel;
  /** What to say first, apart from the offset. */
  readonly open: Omit<Open, "offset">;
  /** A broken call's error in plain words; code `unreachable` means that trying again may help. */
  readonly explain: (error: unknown) => PenstockError;
  /** How long to try again after a break: the lease. */
  readonly patienceMs: number;
  /** Told about each connection, and about the break that came before it. */
  readonly onConnected: (after: PenstockError | undefined) => void;
}

/** The mover's connections of one stream: dials, and dials again with growing pauses. */
export class DialingSource implements ChannelSource {
  readonly #options: DialOptions;
  #brokenSinceMs: number | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #lastBreak: PenstockError | undefined;

  constructor(options: DialOptions) {
    this.#options = options;
  }

  async next(ownOffset: number | undefined, signal: AbortSignal): Promise<Connected> {
    for (;;) {
      if (this.#lastBreak !== undefined) await this.#pause(signal);
      const channel = this.#options.call();
      try {
        const offset = await this.#shakeHands(channel, ownOffset ?? 0, signal);
        this.#options.onConnected(this.#lastBreak);
        this.#lastBreak = undefined;
        this.#brokenSinceMs = undefined;
        this.#pauseMs = FIRST_PAUSE_MS;
        return { channel, offset };
      } catch (error) {
        channel.cut();
        signal.throwIfAborted();
        this.broken(error);
      }
    }
  }

  /** Rethrows what the agent itself said, and a break that has lasted longer than our patience. */
  broken(error: unknown): void {
    const cause = this.#options.explain(error);
    if (cause.code !== "unreachable") throw cause;
    this.#lastBreak = cause;
    this.#brokenSinceMs ??= performance.now();
    if (performance.now() - this.#brokenSinceMs > this.#options.patienceMs) throw cause;
  }

  async #shakeHands(channel: Channel, offset: number, signal: AbortSignal): Promise<number> {
    const open: Open = { ...this.#options.open, offset: BigInt(offset) };
    await channel.send({ message: { $case: "open", value: open } }, signal);
    const answer = await expectLife(channel.next(signal), channel);
    if (answer?.$case === "opened") return Number(answer.value.offset);
    throw unexpected(answer?.$case);
  }

  async #pause(signal: AbortSignal): Promise<void> {
    await delay(this.#pauseMs, undefined, { signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw toError(error);
    });
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }
}
