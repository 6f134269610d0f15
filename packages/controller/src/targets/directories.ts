import { constants } from "node:fs";
import { mkdir, open, rmdir } from "node:fs/promises";
import { dirname } from "node:path";
import { isErrno } from "@penstock/common";

/** Dumps may be unencrypted: nothing for the world to read, whatever the umask. */
const DIRECTORY_MODE = 0o750;

/**
 * Makes a directory and its missing parents; those it made survive a power cut.
 * Not `mkdir` with `recursive`: that one never returns where a parent exists but takes no children
 * and says ENOENT (`/proc`, a deleted directory).
 */
export async function makeDirectories(path: string): Promise<void> {
  try {
    await makeDirectory(path);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
    await makeDirectories(dirname(path));
    await makeDirectory(path);
  }
}

/**
 * Runs a step that makes directories and uses them, and repeats it if it finds one gone: another
 * process may remove what is empty between the two. In the end the step's own error stands.
 */
export async function retryIfPruned<T>(step: () => Promise<T>, attempts = 20): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (!isErrno(error, "ENOENT") || attempts === 1) throw error;
    return retryIfPruned(step, attempts - 1);
  }
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, DIRECTORY_MODE);
  } catch (error) {
    if (isErrno(error, "EEXIST")) return;
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** Makes the entries of a directory survive a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  await using handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  await handle.sync().catch((error: unknown) => {
    // File systems without the notion (some of FUSE, CIFS) say so; they have no stronger promise.
    /* v8 ignore if -- no test can have a failing disk */
    if (!isErrno(error, "EINVAL")) throw error;
  });
}

/** `syncDirectory` for a directory and its parents up to `top`. */
export async function syncDirectories(path: string, top: string): Promise<void> {
  await syncDirectory(path);
  if (path !== top) await syncDirectories(dirname(path), top);
}

/** Removes a directory and its parents below `top` as far as they are empty; returns the first left. */
export async function pruneDirectories(path: string, top: string): Promise<string> {
  if (path === top) return top;
  try {
    await rmdir(path);
  } catch (error) {
    // Somebody else has pruned it: go on with its parent. Anything else means that it stays.
    if (!isErrno(error, "ENOENT")) return path;
  }
  return pruneDirectories(dirname(path), top);
}
