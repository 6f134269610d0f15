/**
 * What went wrong, as far as a caller must tell cases apart.
 *
 * - `usage`: the command line or a configuration file is wrong
 * - `failed`: the operation was tried and did not succeed
 * - `damaged`: bytes are not what they should be
 * - `locked`: somebody else is at it
 * - `unreachable`: a host or a target does not answer, or refuses us
 * - `not_found`: what was named is not there
 * - `refused`: the other side knows us but does not allow this
 * - `internal`: a fault of Penstock itself
 */
export type ErrorCode =
  | "usage"
  | "failed"
  | "damaged"
  | "locked"
  | "unreachable"
  | "not_found"
  | "refused"
  | "internal";

/** Optional parts of an error. */
export interface ErrorDetails {
  /** What the operator can do about it, one sentence. */
  readonly hint?: string;
  /** Which entry of a request's list is meant, so that the caller can find its line. */
  readonly place?: ErrorPlace;
  readonly cause?: unknown;
}

/** One entry of a list in a request, e.g. `{ list: "streams", index: 3, field: "path" }`. */
export interface ErrorPlace {
  readonly list: string;
  readonly index: number;
  readonly field: string;
}

/**
 * The one error type. The message is lower-case, says what failed and on what, carries no secret
 * and has no full stop. Never subclassed: switch on `code`.
 */
export class PenstockError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly place: ErrorPlace | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "PenstockError";
    this.code = code;
    this.hint = details.hint;
    this.place = details.place;
  }
}

/** Exit status of a command for each error code. */
export const EXIT_STATUS: Readonly<Record<ErrorCode, number>> = {
  failed: 1,
  internal: 1,
  usage: 2,
  damaged: 4,
  locked: 5,
  unreachable: 6,
  refused: 6,
  not_found: 7,
};

/** True for what an aborted operation throws; it is not a failure of its own. */
export function isAbortError(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

/** True if `error` is a PenstockError of this code. */
export function hasCode(error: unknown, code: ErrorCode): error is PenstockError {
  return error instanceof PenstockError && error.code === code;
}

/** True if `error` is Node's own, of this errno name, e.g. `ENOENT`. */
export function isErrno(error: unknown, name: string): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && error.code === name;
}

/** Anything thrown, as an Error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Anything thrown, as a PenstockError: unknown errors become `failed` with `what` in front. */
export function toPenstockError(thrown: unknown, what: string): PenstockError {
  if (thrown instanceof PenstockError) return thrown;
  const cause = toError(thrown);
  return new PenstockError("failed", `${what}: ${cause.message}`, { cause });
}
