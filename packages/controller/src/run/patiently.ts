import { hasCode, type PenstockError, systemClock } from "@penstock/common";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/** How long to try again, and who wants to know of it. */
export interface Patience {
  /** Counted from the first failure; without it until the signal aborts. */
  readonly forMs?: number;
  /** Default: 2 s. */
  readonly longestPauseMs?: number;
  /** Each time that nobody answered. */
  readonly onBreak?: (error: PenstockError) => void;
}

/**
 * Does something again, with growing pauses, while it fails as `unreachable`: so it must be harmless
 * to repeat. Throws any other error at once, the last one when the patience ends, and the signal's
 * reason when it aborts.
 */
export async function patiently<Result>(
  action: () => Promise<Result>,
  { forMs = Number.POSITIVE_INFINITY, longestPauseMs = LONGEST_PAUSE_MS, onBreak }: Patience,
  signal: AbortSignal,
): Promise<Result> {
  let endMs = Number.POSITIVE_INFINITY;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      return await action();
    } catch (error) {
      signal.throwIfAborted();
      if (!hasCode(error, "unreachable")) throw error;
      endMs = Math.min(endMs, performance.now() + forMs);
      if (performance.now() + pauseMs > endMs) throw error;
      onBreak?.(error);
    }
    await systemClock.delay(pauseMs, signal);
  }
}
