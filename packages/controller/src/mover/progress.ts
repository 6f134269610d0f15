const INTERVAL_MS = 200;

/** Reports a growing number a few times a second, and once more when it is disposed of. */
export function startProgress(read: () => number, report: (value: number) => void): Disposable {
  const timer = setInterval(() => report(read()), INTERVAL_MS);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      report(read());
    },
  };
}
