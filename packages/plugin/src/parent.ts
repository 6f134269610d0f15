import { Failure } from "./failure.ts";

const POLL_MS = 1_000;
const parent = process.ppid;

/** Throws a Failure if the process that has started us has ended. */
export function assertParent(): void {
  if (process.ppid !== parent)
    throw new Failure("the process that has started the plugin has ended");
}

/** Calls back once when that happens: nobody is left to wait for us. Keeps no process alive. */
export function watchParent(onGone: (failure: unknown) => void): void {
  const timer = setInterval(() => {
    try {
      assertParent();
    } catch (failure) {
      clearInterval(timer);
      onGone(failure);
    }
  }, POLL_MS);
  timer.unref();
}
