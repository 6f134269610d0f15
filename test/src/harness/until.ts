import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 50;

/**
 * Resolves when `problems` finds none any more: for what no event tells. When the signal aborts
 * before, throws with those that it still finds.
 */
export async function untilNone(
  problems: () => Promise<readonly string[]>,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const found = await problems();
    if (found.length === 0) return;
    if (signal.aborted) throw new Error(`still there: ${found.join("; ")}`);
    await delay(POLL_MS, undefined, { signal }).catch(() => {}); // looks once more when time is up
  }
}

/** Resolves with the first value that is not undefined. Throws when the signal aborts before. */
export async function untilFound<T>(
  find: () => Promise<T | undefined>,
  what: string,
  signal: AbortSignal,
): Promise<T> {
  for (;;) {
    const found = await find();
    if (found !== undefined) return found;
    if (signal.aborted) throw new Error(`waited in vain for ${what}`);
    await delay(POLL_MS, undefined, { signal }).catch(() => {});
  }
}
