const POLL_MS = 200;

/** What a stream waits for once its tool has exited. */
export interface ToolGrace {
  /** How long it may wait for the tool's side of the pipe without a sign of it. */
  readonly graceMs: number;
  /** Since when it has been waiting for the tool's side; undefined while it does not. */
  readonly waitingSinceMs: () => number | undefined;
}

/**
 * Calls `giveUp` once, when a stream has waited for the whole grace since its tool has exited: what
 * was in the pipe is still moved, and what the tool has left behind may go on, but not in silence.
 * Time in which this process stood still itself does not count: it has not looked into the pipe either.
 * Ends when the signal aborts or it is disposed of.
 */
export function startToolGrace(
  { graceMs, waitingSinceMs }: ToolGrace,
  giveUp: () => void,
  signal: AbortSignal,
): Disposable {
  const everyMs = Math.min(graceMs, POLL_MS);
  let lookedMs = performance.now();
  let knownSinceMs = waitingSinceMs();
  let silentMs = 0;
  const look = (): void => {
    const passedMs = performance.now() - lookedMs;
    lookedMs += passedMs;
    const sinceMs = waitingSinceMs();
    silentMs = sinceMs === knownSinceMs ? silentMs + Math.min(passedMs, everyMs) : 0;
    knownSinceMs = sinceMs;
    if (sinceMs === undefined || silentMs < graceMs) return;
    end();
    giveUp();
  };
  const timer = setInterval(look, everyMs);
  const end = (): void => {
    clearInterval(timer);
    signal.removeEventListener("abort", end);
  };
  signal.addEventListener("abort", end, { once: true });
  return { [Symbol.dispose]: end };
}
