/** What was asked for is done, and a tool has warned of something. */
const DONE_WITH_WARNINGS = 3;

/** Has the command end with status 3 if there are warnings; they have been shown already. */
export function warnByStatus(warnings: readonly string[]): void {
  if (warnings.length > 0) process.exitCode = DONE_WITH_WARNINGS;
}
