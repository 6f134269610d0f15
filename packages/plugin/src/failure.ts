/** What goes wrong, in words for whoever reads gpbackup's log. `code` is the agent's, if it said it. */
export class Failure extends Error {
  readonly code: string | undefined;

  constructor(message: string, { code, cause }: { code?: string; cause?: unknown } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "Failure";
    this.code = code;
  }
}

/** True for a Failure with this code of the agent's. */
export function isFailure(error: unknown, code: string): boolean {
  return error instanceof Failure && error.code === code;
}

/** Anything thrown, in one line. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
