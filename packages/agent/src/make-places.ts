import { lstat, mkdir, realpath } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { isErrno, PenstockError, toPenstockError } from "@penstock/common";
import { absent } from "./absent.ts";
import { makeFifo } from "./fifo.ts";
import { canonicalPath, type Made, type MadeRecord } from "./made.ts";
import { removeMade } from "./remove-made.ts";

/** A named pipe to make. */
export interface FifoPlace {
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
}

/**
 * Makes named pipes, all or none, recorded before they are made. Throws `failed` if something is
 * already at one of the paths; that is never touched, now or by a later clean-up. The folders must
 * be there.
 */
export async function makeFifos(record: MadeRecord, places: readonly FifoPlace[]): Promise<void> {
  const planned: Made[] = [];
  for (const { path } of places) {
    await assertFree(path);
    planned.push({ kind: "fifo", path: await canonicalPath(path) });
  }
  await record.record(planned);
  let count = 0;
  try {
    for (const { path, mode } of places) {
      await makeFifo(path, mode);
      count += 1;
    }
  } catch (error) {
    const failures = await removeMade(planned.slice(0, count));
    const left = new Set(failures.map(({ made }) => made));
    await record.forget(planned.filter((made) => !left.has(made)));
    throw error;
  }
}

/** Makes the missing folders above a path, only for their owner, recorded before they are made. */
export async function makeParents(record: MadeRecord, path: string): Promise<void> {
  const folders = await missingFolders(dirname(path));
  if (folders.length === 0) return;
  await record.record(folders.map((folder) => ({ kind: "folder", path: folder })));
  for (const folder of folders) {
    try {
      await mkdir(folder, 0o700);
    } catch (error) {
      // Another stream may need the same folder; whoever is last to leave removes it.
      if (!isErrno(error, "EEXIST")) throw toPenstockError(error, `make folder ${folder}`);
    }
  }
}

/** Throws `failed` if anything is at the path, a link that leads nowhere included. */
export async function assertFree(path: string): Promise<void> {
  if (!(await lstat(path).catch(absent))) return;
  throw new PenstockError("failed", `make fifo ${path}: something is already there`, {
    hint: "remove it if no other tool uses it",
  });
}

/** From the highest to the deepest, below the real path of the folder that is there. */
async function missingFolders(folder: string): Promise<string[]> {
  let existing = folder;
  while (!(await lstat(existing).catch(absent))) existing = dirname(existing);
  if (existing === folder) return [];
  let path = await realpath(existing);
  return relative(existing, folder)
    .split("/")
    .map((name) => {
      path = join(path, name);
      return path;
    });
}
