import { lstat, realpath, rmdir, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { isErrno } from "@penstock/common";
import { absent } from "./absent.ts";
import { removeFifo } from "./fifo.ts";
import type { Made } from "./made.ts";

/** What could not be removed, and why. */
export interface RemoveFailure {
  readonly made: Made;
  readonly error: unknown;
}

/**
 * Removes what a run made: pipes (writers still waiting at them are freed), files, then folders,
 * the deepest first. Leaves alone what is no longer the run's: another file at the same path, a
 * folder with something in it, anything now reached through a symbolic link. Goes on after a
 * failure. Repeating it is harmless.
 */
export async function removeMade(all: readonly Made[]): Promise<RemoveFailure[]> {
  const failures: RemoveFailure[] = [];
  for (const made of all.toSorted(byRemoval)) {
    try {
      if (await isWhereItWas(made.path)) await removeOne(made);
    } catch (error) {
      failures.push({ made, error });
    }
  }
  return failures;
}

/** Folders last; among them the longest path first, so children before their parents. */
function byRemoval(one: Made, other: Made): number {
  const folders = Number(one.kind === "folder") - Number(other.kind === "folder");
  return folders || other.path.length - one.path.length;
}

async function isWhereItWas(path: string): Promise<boolean> {
  const folder = dirname(path);
  return (await realpath(folder).catch(absent)) === folder;
}

async function removeOne(made: Made): Promise<void> {
  switch (made.kind) {
    case "fifo":
      return removeFifo(made.path);
    case "folder":
      return removeFolder(made.path);
    case "file":
      return removeFile(
        made.path,
        ({ dev, ino }) => `${dev}` === made.device && `${ino}` === made.inode,
      );
    case "temporary":
      return removeFile(made.path, () => true);
  }
}

async function removeFile(
  path: string,
  isOurs: (identity: { dev: bigint; ino: bigint }) => boolean,
): Promise<void> {
  const found = await lstat(path, { bigint: true }).catch(absent);
  if (found?.isFile() && isOurs(found)) await unlink(path).catch(absent);
}

async function removeFolder(path: string): Promise<void> {
  try {
    await rmdir(path);
  } catch (error) {
    const notOurs = ["ENOENT", "ENOTEMPTY", "EEXIST", "ENOTDIR"].some((name) =>
      isErrno(error, name),
    );
    if (!notOurs) throw error;
  }
}
