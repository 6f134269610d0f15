import { lstat, realpath, unlink } from "node:fs/promises";
import { connect } from "node:net";
import { basename, dirname, join } from "node:path";
import { isErrno, lockByName, PenstockError, toPenstockError } from "@penstock/common";
import { absent } from "../absent.ts";

/** What the kernel keeps of a socket's path. */
const LONGEST_PATH_BYTES = 107;

/**
 * Makes sure that a socket can be made at this path, and keeps other agents from it: a socket that a
 * killed process has left is removed. Throws `usage` if the path is too long, its folder is missing,
 * or something else is there: a live socket, a file.
 */
export async function takeSocketPlace(path: string): Promise<AsyncDisposable> {
  const bytes = Buffer.byteLength(path);
  if (bytes > LONGEST_PATH_BYTES) {
    throw refused(
      path,
      `its path has ${bytes} bytes, and a socket's at most ${LONGEST_PATH_BYTES}`,
    );
  }
  const folder = await realpath(dirname(path)).catch((error: unknown) => {
    if (isErrno(error, "ENOENT")) throw refused(path, "its folder is not there");
    throw toPenstockError(error, `plugin socket ${path}`);
  });
  const lock = await lockByName(`plugin socket ${join(folder, basename(path))}`);
  if (lock === undefined) throw refused(path, "another agent serves it");
  await using kept = new AsyncDisposableStack();
  kept.use(lock);
  await removeDead(path);
  return kept.move();
}

async function removeDead(path: string): Promise<void> {
  const found = await lstat(path).catch(absent);
  if (found === undefined) return;
  if (!found.isSocket()) throw refused(path, "something else is there");
  if (await isLive(path)) throw refused(path, "another process serves it");
  await unlink(path).catch(absent);
}

function isLive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => resolve(true));
    // Refused: nobody listens. Anything else may be a process that is busy.
    socket.once("error", (error) => resolve(!isErrno(error, "ECONNREFUSED")));
    socket.once("connect", () => socket.destroy());
  });
}

function refused(path: string, why: string): PenstockError {
  return new PenstockError("usage", `plugin socket ${path}: ${why}`, {
    hint: "set plugin: {socket: PATH} in the agent's configuration, or plugin: off",
  });
}
