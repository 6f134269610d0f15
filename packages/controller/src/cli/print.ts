/** Writes to standard output. A reader like `head` that has enough is no failure. */
export function print(text: string): void {
  if (process.stdout.listenerCount("error") === 0) process.stdout.on("error", () => {});
  process.stdout.write(text);
}

/** Writes one JSON value as a line. */
export function printJson(value: unknown): void {
  print(`${JSON.stringify(value)}\n`);
}

/** Resolves when all of it has left this process: what a full pipe has no room for waits here. */
export function printed(): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write("", () => resolve()); // also if the reader is gone
  });
}
