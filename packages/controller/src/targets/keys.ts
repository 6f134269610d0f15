import { PenstockError, quote } from "@penstock/common";

const SEGMENT = /^[A-Za-z0-9._+@=-]{1,255}$/;
const KEY_LIMIT = 1024;

/** Where targets keep what is not visible yet, and what a file system keeps at its root for itself. */
const RESERVED = /^(\.partial|lost\+found)(\/|$)/;

/**
 * True if every target can hold an object of this key: segments of up to 255 and a whole of up to
 * 1024 characters, as file systems and object stores allow, and a first segment that is not reserved.
 */
export function isKey(key: string): boolean {
  return key.length <= KEY_LIMIT && key.split("/").every(isSegment) && !RESERVED.test(key);
}

/** Throws `usage` if `key` is not one (see `isKey`). */
export function assertKey(key: string): void {
  if (!isKey(key)) throw new PenstockError("usage", `bad object key ${quote(key)}`);
}

/** Throws `usage` if `prefix` is neither "" nor a key that ends in "/". */
export function assertPrefix(prefix: string): void {
  if (prefix === "" || (prefix.endsWith("/") && isKey(prefix.slice(0, -1)))) return;
  throw new PenstockError("usage", `bad folder of objects ${quote(prefix)}`);
}

/** Throws `usage` if `scope` is not one segment of a key. */
export function assertScope(scope: string): void {
  if (!isSegment(scope)) throw new PenstockError("usage", `bad name of a run ${quote(scope)}`);
}

function isSegment(text: string): boolean {
  return SEGMENT.test(text) && text !== "." && text !== "..";
}
