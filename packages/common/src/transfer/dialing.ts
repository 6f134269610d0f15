import type { Open } from "@penstock/proto";
import { type Clock, systemClock } from "../clock.ts";
import type { PenstockError } from "../errors.ts";
import type { Channel } from "./channel.ts";
import type { ChannelSource, Connected } from "./channel-source.ts";
import { expectLife } from "./heartbeat.ts";
import { outOfTurn } from "./out-of-turn.ts";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/** How a mover reaches one stream of an agent. */
export interface DialOptions {
  /** Starts a call. It may fail later, through the channel. */
  readonly call: () => Channel;
  /** What to say first, apart from the offset. */
  readonly open: Omit<Open, "offset" | "adopt">;
  /** A broken call's error in plain words; code `unreachable` means that trying again may help. */
  readonly explain: (error: unknown) => PenstockError;
  /** How long to try again after a break: the lease. */
  readonly patienceMs: number;
  /** Told about each connection, and about the break that came before it. */
  readonly onConnected: (after: PenstockError | undefined) => void;
  /** The machine's own unless said otherwise. */
  readonly clock?: Clock;
}

/** The mover's connections of one stream: dials, and dials again with growing pauses. */
export class DialingSource implements ChannelSource {
  readonly clock: Clock;
  readonly #options: DialOptions;
  #brokenSinceMs: number | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #lastBreak: PenstockError | undefined;

  constructor(options: DialOptions) {
    this.#options = options;
    this.clock = options.clock ?? systemClock;
  }

  async next(ownOffset: number | undefined, signal: AbortSignal): Promise<Connected> {
    for (;;) {
      if (this.#lastBreak !== undefined) await this.#pause(signal);
      const channel = this.#options.call();
      try {
        const offset = await this.#shakeHands(channel, ownOffset, signal);
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
    const nowMs = this.clock.nowMs();
    this.#brokenSinceMs ??= nowMs;
    if (nowMs - this.#brokenSinceMs > this.#options.patienceMs) throw cause;
  }

  async #shakeHands(
    channel: Channel,
    ownOffset: number | undefined,
    signal: AbortSignal,
  ): Promise<number> {
    const adopt = ownOffset === undefined;
    const open: Open = { ...this.#options.open, offset: BigInt(ownOffset ?? 0), adopt };
    await channel.send({ message: { $case: "open", value: open } }, signal);
    const answer = await expectLife(channel.next(signal), channel, this.clock);
    if (answer?.$case === "opened") return Number(answer.value.offset);
    throw outOfTurn(answer?.$case);
  }

  async #pause(signal: AbortSignal): Promise<void> {
    await this.clock.delay(this.#pauseMs, signal);
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }
}
