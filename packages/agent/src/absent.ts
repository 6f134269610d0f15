import { isErrno } from "@penstock/common";

/** For `catch`: `undefined` if the path is not there; every other error is thrown again. */
export function absent(error: unknown): undefined {
  if (!isErrno(error, "ENOENT")) throw error;
}
