/** A time after which nobody waits any more. */
export interface TimeLimit extends Disposable {
  /** Resolves then; never, once it is disposed of. */
  readonly over: Promise<void>;
}

/** Begins to count. */
export function startTimeLimit(ms: number): TimeLimit {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  return { over, [Symbol.dispose]: () => clearTimeout(timer) };
}
