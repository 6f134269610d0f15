import { type Clock, systemClock } from "@penstock/common";

const INTERVAL_MS = 200;

/**
 * Reports a growing number a few times a second while it grows, and once more when it is disposed
 * of. Zero is not reported.
 */
export function startProgress(
  read: () => number,
  report: (value: number) => void,
  clock: Clock = systemClock,
): Disposable {
  return startReports(0, read, report, clock);
}

/** The same for anything that changes; what it is at first is not reported. */
export function startReports<T>(
  first: T,
  read: () => T,
  report: (value: T) => void,
  clock: Clock,
): Disposable {
  let reported = first;
  const look = (): void => {
    const value = read();
    if (value === reported) return;
    reported = value;
    report(value);
  };
  const timer = clock.every(INTERVAL_MS, look);
  return {
    [Symbol.dispose]() {
      timer[Symbol.dispose]();
      look();
    },
  };
}
