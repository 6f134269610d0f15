import { execFile } from "node:child_process";
import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { lstat, unlink } from "node:fs/promises";
import { promisify } from "node:util";
import { isErrno, PenstockError, toError } from "@penstock/common";
import { absent } from "./absent.ts";

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
const run = promisify(execFile);

/** What came of making several pipes. */
export interface MadeFifos {
  /** Paths of those that were made. */
  readonly made: readonly string[];
  /** Why the others were not; code `failed`. */
  readonly error?: PenstockError;
}

/**
 * Makes named pipes with exactly these permission bits, in one process: Node has no call for it, so
 * `mkfifo` is started. What is already at one of the paths is untouched, and is not among those made.
 */
export async function makeFifos(paths: readonly string[], mode: number): Promise<MadeFifos> {
  const args = ["-m", mode.toString(8), "--", ...paths];
  try {
    await run("mkfifo", args, { env: { ...process.env, LC_ALL: "C" } });
    return { made: paths };
  } catch (error) {
    return toMadeFifos(paths, error);
  }
}

/** The same for a single pipe. Throws `failed`. */
export async function makeFifo(path: string, mode: number): Promise<void> {
  const { error } = await makeFifos([path], mode);
  if (error !== undefined) throw error;
}

/**
 * Opens one end of a named pipe without waiting for the other, and without a thread of the pool:
 * `flags` is O_RDONLY or O_WRONLY. A symbolic link is not followed. Throws Node's own error, ENXIO
 * for a writing end whose reader is not there yet, and `failed` if it is not a pipe.
 */
export function openFifo(path: string, flags: number): number {
  const fd = openSync(path, flags | O_NONBLOCK | O_NOFOLLOW);
  if (fstatSync(fd).isFIFO()) return fd;
  closeSync(fd);
  throw new PenstockError("failed", `open fifo ${path}: not a named pipe`);
}

/**
 * Removes a named pipe. A writer that is still waiting in its open() is freed, and then dies of
 * SIGPIPE. A *reader* that waits cannot be freed: whatever wakes it also gives it a clean, empty
 * input, so its process must have been killed before. What is gone, or is no pipe, is left alone.
 */
export async function removeFifo(path: string): Promise<void> {
  const found = await lstat(path).catch(absent);
  if (!found?.isFIFO()) return;
  const fd = openFifo(path, O_RDONLY);
  try {
    // Our end stays open meanwhile, so that a writer who comes just now does not wait for ever.
    await unlink(path).catch(absent);
  } finally {
    closeSync(fd);
  }
}

/**
 * `mkfifo` goes on after a path that it cannot make, and says a line about each such path. If it was
 * ended before it could say so, every path counts as made: nothing is known to be somebody else's.
 */
function toMadeFifos(paths: readonly string[], error: unknown): MadeFifos {
  const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : "";
  const lines = said.split("\n");
  const lineOf = (path: string): string | undefined =>
    paths.length === 1 ? lines.at(-1) : lines.find((line) => names(line, path));
  const made = isErrno(error, "ENOENT") ? [] : paths.filter((path) => !lineOf(path));
  const failed = paths.find((path) => !made.includes(path)) ?? paths[0] ?? "";
  const reason = lineOf(failed)?.split(": ").at(-1) || toError(error).message;
  const message = `make fifo ${failed}: ${reason}`;
  return { made, error: new PenstockError("failed", message, { cause: error }) };
}

/** Of a path without quotes or spaces, as GNU and as BusyBox say it. */
function names(line: string, path: string): boolean {
  return line.includes(`'${path}':`) || line.includes(` ${path}: `);
}
