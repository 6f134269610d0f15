import { PenstockError, toError } from "./errors.ts";

/**
 * An error as an operator reads it: `error: …` and, where there is one, a `hint: …` line. A fault of
 * Penstock itself comes with its stack, for the report.
 */
export function errorText(thrown: unknown): string {
  const error = toError(thrown);
  if (!(error instanceof PenstockError)) {
    return `error: internal fault: ${error.stack ?? error.message}\n`;
  }
  const hint = error.hint === undefined ? "" : `hint: ${error.hint}\n`;
  return `error: ${error.message}\n${hint}`;
}
