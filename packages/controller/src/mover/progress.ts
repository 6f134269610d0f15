const INTERVAL_MS = 200;

/**
 * Reports a growing number a few times a second while it grows, and once more when it is disposed
 * of. Zero is not reported.
 */
export function startProgress(read: () => number, report: (value: number) => void): Disposable {
  let reported = 0;
  const look = (): void => {
    const value = read();
    if (value === reported) return;
    reported = value;
    report(value);
  };
  const timer = setInterval(look, INTERVAL_MS);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      look();
    },
  };
}
