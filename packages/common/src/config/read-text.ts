import { isUtf8 } from "node:buffer";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { isErrno, PenstockError, toError } from "../errors.ts";
import { errorAtLines } from "./config-file.ts";

const LIMIT_BYTES = 2 ** 20;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  ENOTDIR: "no such file",
  EACCES: "permission denied",
  EISDIR: "it is a directory",
  ELOOP: "too many symbolic links",
};

/**
 * The text of a small file, read in one go at start-up. Throws `usage`, with the file's name, if it
 * cannot be read, is a directory, is larger than 1 MiB or is not UTF-8.
 */
export function readText(path: string): string {
  const bytes = readLimited(path);
  if (!isUtf8(bytes)) {
    throw errorAtLines(path, [{ line: firstBadLine(bytes), text: "not UTF-8 text" }]);
  }
  return new TextDecoder().decode(bytes); // drops a byte order mark
}

/** Why a file could not be read, in words. */
export function fileReason(thrown: unknown): string {
  for (const [name, reason] of Object.entries(REASONS)) {
    if (isErrno(thrown, name)) return reason;
  }
  return toError(thrown).message;
}

function readLimited(path: string): Buffer {
  try {
    const fd = openSync(path, "r");
    try {
      if (fstatSync(fd).isDirectory()) throw refuse(path, "it is a directory");
      return readAll(path, fd);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    if (cause instanceof PenstockError) throw cause;
    throw refuse(path, fileReason(cause), cause);
  }
}

/** Read and not measured: a pipe or /dev/zero has no size. */
function readAll(path: string, fd: number): Buffer {
  const buffer = Buffer.alloc(LIMIT_BYTES + 1);
  let size = 0;
  for (;;) {
    const count = readSync(fd, buffer, size, buffer.length - size, null);
    if (count === 0) return buffer.subarray(0, size);
    size += count;
    if (size > LIMIT_BYTES) throw refuse(path, "larger than 1 MiB");
  }
}

function refuse(path: string, reason: string, cause?: unknown): PenstockError {
  return new PenstockError("usage", `${path}: ${reason}`, {
    hint: "name the configuration file with --config",
    cause,
  });
}

function firstBadLine(bytes: Buffer): number {
  let begin = 0;
  for (let line = 1; ; line++) {
    const end = bytes.indexOf(0x0a, begin);
    if (end < 0 || !isUtf8(bytes.subarray(begin, end))) return line;
    begin = end + 1;
  }
}
