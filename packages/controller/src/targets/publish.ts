import { link, lstat, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isErrno } from "@penstock/common";
import { placeByClaim } from "./claim.ts";
import { makeDirectories, retryIfPruned, syncDirectories } from "./directories.ts";

/**
 * Makes a complete file visible under its final name, for good: returns true when the name survives
 * a power cut, false if it was taken. Never overwrites, and never shows the file and then throws.
 * Both names are below `root`, the partial one in its `.partial`.
 */
export async function publish(partial: string, final: string, root: string): Promise<boolean> {
  if (!(await place(partial, final, root))) return false;
  try {
    // Up to the root: a folder that another writer has just made may not be durable yet.
    await syncDirectories(dirname(final), root);
  } catch (error) {
    await rm(final, { force: true });
    throw error;
  }
  await rm(partial, { force: true }).catch(() => {}); // a second name of a good object: for `sweep`
  return true;
}

function place(partial: string, final: string, root: string): Promise<boolean> {
  return retryIfPruned(async () => {
    await makeDirectories(dirname(final));
    return placeByLink(partial, final, root);
  });
}

async function placeByLink(partial: string, final: string, root: string): Promise<boolean> {
  try {
    await link(partial, final);
    return true;
  } catch (error) {
    // NFS repeats a call whose answer was lost, and then finds its own link.
    if (isErrno(error, "EEXIST")) return isSameFile(partial, final);
    if (hasNoLinks(error)) return placeByClaim(partial, final, join(root, ".partial"));
    throw error;
  }
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([lstat(one, { bigint: true }), lstat(other, { bigint: true })]);
  return a.ino === b.ino && a.dev === b.dev;
}

/** What FAT, CIFS and some of FUSE answer to `link`. */
function hasNoLinks(error: unknown): boolean {
  return ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].some((name) => isErrno(error, name));
}
