import { raceAbort, type Stage } from "../byte-stream.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { BytesPerSecond } from "../config/units.ts";

/** What may be caught up after a pause: timers oversleep, processors are shared. */
const BURST_MS = 100;
/** Longer waits are taken in pieces: Node's timers have an end. */
const LONGEST_WAIT_MS = 60_000;

/** Passes chunks on, unchanged, as fast as the pace allows. Holds one chunk. */
export function pacing(pace: Pace): Stage {
  return async function* paced(source, signal) {
    for await (const chunk of source) {
      const turn = pace.take(chunk.length, signal);
      if (turn !== undefined) await turn; // without a rate there is nothing to wait for
      yield chunk;
    }
  };
}

/**
 * How fast one stream may go: a token bucket whose rate can be changed at any moment.
 *
 * A chunk passes as soon as nothing is owed, and is then owed itself; so a chunk of any size passes
 * at any rate, and the average is the rate whatever the timers do. In any span of time no more
 * passes than the rate allows, what it allows in a tenth of a second, and one chunk.
 */
export class Pace {
  readonly #clock: Clock;
  #rate: BytesPerSecond | undefined;
  /** The rate per millisecond; 0 without one. */
  #perMs = 0;
  /** Bytes that may pass at once; below zero they are owed. True at `#countedMs`. */
  #credit = 0;
  #countedMs = 0;
  #changed = Promise.withResolvers<void>();

  /** Without a rate at first. */
  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** `undefined` is as fast as it can. */
  get rate(): BytesPerSecond | undefined {
    return this.#rate;
  }

  /** Holds from now on, also for whoever is waiting. A rate of zero would never let anything pass. */
  set rate(rate: BytesPerSecond | undefined) {
    if (rate !== undefined && !(rate > 0)) throw new RangeError(`a pace of ${rate} bytes/s`);
    if (rate === this.#rate) return;
    this.#count(); // what was earned at the old rate
    if (rate === undefined) this.#credit = 0;
    this.#rate = rate;
    this.#perMs = (rate ?? 0) / 1000;
    this.#wake();
  }

  /**
   * Asks for bytes to pass: `undefined` if they may at once, else a promise that resolves when they
   * may. It rejects with the signal's reason; then nothing is owed for them.
   */
  take(bytes: number, signal: AbortSignal): Promise<void> | undefined {
    return this.#pass(bytes) ? undefined : this.#wait(bytes, signal);
  }

  async #wait(bytes: number, signal: AbortSignal): Promise<void> {
    do {
      using _timer = this.#clock.after(this.#owedMs(), () => this.#wake());
      await raceAbort(this.#changed.promise, signal);
    } while (!this.#pass(bytes));
  }

  #pass(bytes: number): boolean {
    if (this.#rate === undefined) return true;
    this.#count();
    if (this.#credit < 0) return false;
    this.#credit -= bytes;
    return true;
  }

  #count(): void {
    const nowMs = this.#clock.nowMs();
    const earned = this.#credit + this.#perMs * (nowMs - this.#countedMs);
    this.#credit = Math.min(earned, this.#perMs * BURST_MS);
    this.#countedMs = nowMs;
  }

  /** In whole milliseconds: a timer rounds down, and would wake too early again and again. */
  #owedMs(): number {
    const owedMs = Math.ceil(-this.#credit / this.#perMs);
    return Math.min(Math.max(owedMs, 1), LONGEST_WAIT_MS);
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
