/** Writes to standard output. */
export function print(text: string): void {
  process.stdout.write(text);
}

/** Writes one JSON value as a line. */
export function printJson(value: unknown): void {
  print(`${JSON.stringify(value)}\n`);
}
