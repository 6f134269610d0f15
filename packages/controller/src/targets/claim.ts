import { createHash } from "node:crypto";
import { mkdir, readdir, rename, rmdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isErrno } from "@penstock/common";

/**
 * Renames a complete file to its final name, without hard links, if that name is free; else returns
 * false. `rename` overwrites, so the right to it is claimed first, by a `mkdir` in `area`, which does
 * not. A process killed in between leaves its claim, and with it the name taken; names hold their
 * run's, so nobody else wants it.
 */
export async function placeByClaim(partial: string, final: string, area: string): Promise<boolean> {
  const claim = claimPath(final, area);
  try {
    await mkdir(claim);
  } catch (error) {
    if (isErrno(error, "EEXIST")) return false;
    throw error;
  }
  try {
    if ((await readdir(dirname(final))).includes(basename(final))) return false;
    await rename(partial, final);
    return true;
  } finally {
    await rmdir(claim);
  }
}

/** The one directory that stands for a name. It begins with "~", which is in no run's name. */
export function claimPath(final: string, area: string): string {
  return join(area, `~${createHash("sha256").update(final).digest("hex")}`);
}
