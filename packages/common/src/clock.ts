import { setTimeout as delay } from "node:timers/promises";

/** How time passes for what waits: the machine's way, or that of a simulation. */
export interface Clock {
  /** Milliseconds since a fixed moment. Never goes back. */
  nowMs(): number;
  /** Resolves after `ms`; throws the signal's reason as soon as it aborts. */
  delay(ms: number, signal: AbortSignal): Promise<void>;
  /** Calls `action` after `ms`, unless it was disposed of before. */
  after(ms: number, action: () => void): Disposable;
  /** Calls `action` after every `ms` until it is disposed of. */
  every(ms: number, action: () => void): Disposable;
}

/** The machine's own time. What waits keeps the process alive. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  async delay(ms, signal) {
    await delay(ms, undefined, { signal }).catch((error: unknown) => {
      signal.throwIfAborted(); // the reason itself, not an AbortError with it as its cause
      throw error;
    });
  },
  after(ms, action) {
    const timer = setTimeout(action, ms);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
  every(ms, action) {
    const timer = setInterval(action, ms);
    return { [Symbol.dispose]: () => clearInterval(timer) };
  },
};
