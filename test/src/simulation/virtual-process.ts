import type { Clock } from "@penstock/common";
import type { Time } from "./virtual-clock.ts";

/**
 * A process that can be killed at any step: its timers never come, and what it waits for from the
 * network or a disk never arrives, so that none of its code ever runs again.
 */
export class VirtualProcess {
  readonly name: string;
  /** Its own view of the world's time. */
  readonly clock: Clock;
  readonly #timers = new Set<Disposable>();
  readonly #onKill: (() => void)[] = [];
  #isAlive = true;

  constructor(name: string, time: Time) {
    this.name = name;
    this.clock = {
      nowMs: () => time.nowMs(),
      delay: (ms, signal) => delay(this.clock, ms, signal),
      after: (ms, action) => {
        const timer = this.#hold(
          time.after(ms, () => {
            timer[Symbol.dispose]();
            action();
          }),
        );
        return timer;
      },
      every: (ms, action) => this.#hold(time.every(ms, action)),
    };
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Timers that it still waits for. */
  get timers(): number {
    return this.#timers.size;
  }

  onKill(action: () => void): void {
    this.#onKill.push(action);
  }

  kill(): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    for (const timer of this.#timers) timer[Symbol.dispose]();
    for (const action of this.#onKill) action();
  }

  #hold(timer: Disposable): Disposable {
    const held = {
      [Symbol.dispose]: () => {
        this.#timers.delete(held);
        timer[Symbol.dispose]();
      },
    };
    this.#timers.add(held);
    if (!this.#isAlive) held[Symbol.dispose]();
    return held;
  }
}

function delay(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      timer[Symbol.dispose]();
      reject(signal.reason);
    };
    const timer = clock.after(ms, () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
