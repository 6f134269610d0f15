/** How often a run says that its agent lives. */
const EVERY_MS = 30_000;

/** What began so much later than the last sign of its agent is not the run's. */
export const SIGN_SLACK_MS: number = 2 * EVERY_MS;

/** Calls `say` now and then until it is disposed of. Keeps no process alive. */
export function giveSigns(say: () => void): Disposable {
  const timer = setInterval(say, EVERY_MS);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
