import { execFile } from "node:child_process";
import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { lstat, unlink } from "node:fs/promises";
import { promisify } from "node:util";
import { PenstockError, toError } from "@penstock/common";
import { absent } from "./absent.ts";

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
const run = promisify(execFile);

/**
 * Makes a named pipe with exactly these permission bits. Throws `failed` if something is already at
 * the path, which is then untouched. Node has no call for it, so `mkfifo` is started.
 */
export async function makeFifo(path: string, mode: number): Promise<void> {
  const args = ["-m", mode.toString(8), "--", path];
  try {
    await run("mkfifo", args, { env: { ...process.env, LC_ALL: "C" } });
  } catch (error) {
    throw makeFailure(path, error);
  }
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

/** With what the program said last, less its name, or why it could not be started. */
function makeFailure(path: string, error: unknown): PenstockError {
  const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : "";
  const reason = said === "" ? toError(error).message : said.split(": ").at(-1);
  return new PenstockError("failed", `make fifo ${path}: ${reason}`, { cause: error });
}
