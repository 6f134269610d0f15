import type { Clock } from "@penstock/common";
import type { Random } from "./random.ts";

/** What a clock shows, and what can be set by it. */
export type Time = Pick<Clock, "nowMs" | "after" | "every">;

interface Timer {
  readonly atMs: number;
  /** Who comes first of those that are due together. */
  readonly turn: number;
  readonly action: () => void;
}

/**
 * Time that stands still while anything can happen without it, and then goes on to the next timer.
 * What is due at the same time comes in an order drawn from the seed.
 */
export class VirtualClock implements Time {
  readonly #random: Random;
  #nowMs = 0;
  /** The next one last. */
  readonly #timers: Timer[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  after(ms: number, action: () => void): Disposable {
    const timer = this.#add(ms, action);
    return { [Symbol.dispose]: () => this.#remove(timer) };
  }

  every(ms: number, action: () => void): Disposable {
    const turn = (): void => {
      timer = this.#add(ms, turn);
      action();
    };
    let timer = this.#add(ms, turn);
    return { [Symbol.dispose]: () => this.#remove(timer) };
  }

  /** Timers that have not come yet. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Lets the world go on until `isOver`, or until nothing can happen any more, or the time is up. */
  async run(isOver: () => boolean, untilMs: number): Promise<void> {
    await rest();
    for (;;) {
      const next = this.#timers.at(-1);
      if (isOver() || next === undefined || next.atMs > untilMs) return;
      this.#timers.pop();
      this.#nowMs = next.atMs;
      next.action();
      await rest();
    }
  }

  #add(ms: number, action: () => void): Timer {
    const timer = { atMs: this.#nowMs + Math.max(0, ms), turn: this.#random.next(), action };
    const place = this.#timers.findLastIndex((other) => isLater(other, timer));
    this.#timers.splice(place + 1, 0, timer);
    return timer;
  }

  #remove(timer: Timer): void {
    const place = this.#timers.indexOf(timer);
    if (place !== -1) this.#timers.splice(place, 1);
  }
}

/** Every promise that can go on without time has done so: Node drains them before it comes here. */
function rest(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function isLater(one: Timer, other: Timer): boolean {
  return one.atMs === other.atMs ? one.turn > other.turn : one.atMs > other.atMs;
}
