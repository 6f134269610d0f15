import { PenstockError, toError } from "@penstock/common";

const DISK_FULL: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT"]);
const NO_ACCESS: ReadonlySet<string> = new Set(["EACCES", "EPERM", "EROFS", "ESTALE"]);

/**
 * Node's system error as ours: `unreachable` for want of access, else `failed`, a full disk named
 * as such. Everything else, an abort reason or an error of ours, comes back as it is.
 * `what` says what was tried on which URL.
 */
export function fromErrno(thrown: unknown, what: string): Error {
  const cause = toError(thrown);
  if (!isSystemError(cause)) return cause;
  if (DISK_FULL.has(cause.code)) {
    return new PenstockError("failed", `${what}: disk full`, { cause });
  }
  const code = NO_ACCESS.has(cause.code) ? "unreachable" : "failed";
  return new PenstockError(code, `${what}: ${cause.message}`, { cause });
}

/** The same where the root of a target is not to be had: no directory there also means `unreachable`. */
export function fromRootErrno(thrown: unknown, what: string): Error {
  const cause = toError(thrown);
  if (!isSystemError(cause) || !["ENOENT", "ENOTDIR"].includes(cause.code)) {
    return fromErrno(thrown, what);
  }
  return new PenstockError("unreachable", `${what}: ${cause.message}`, { cause });
}

/** Only what came from a system call: errors of ours and of the DOM have a `code` as well. */
function isSystemError(error: Error): error is NodeJS.ErrnoException & { code: string } {
  return "errno" in error && typeof error.errno === "number";
}
