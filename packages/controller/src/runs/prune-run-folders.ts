import { rm } from "node:fs/promises";
import { askStatus } from "./control-client.ts";
import { readJournal } from "./journal.ts";
import { listRunFolders, type RunFolder } from "./run-folder.ts";

/** As many ended runs are kept: their logs are looked at afterwards. */
const KEPT_RUNS = 200;

/**
 * Removes the oldest folders beyond those that are kept: of runs that are over, and have nothing left
 * to go on with. A folder of which that cannot be said is left as it is.
 */
export async function pruneRunFolders(
  runDirectory: string,
  cluster: string,
  signal: AbortSignal,
): Promise<void> {
  const folders = await listRunFolders(runDirectory, cluster);
  for (const folder of folders.slice(KEPT_RUNS)) {
    try {
      if (await isOver(folder, signal)) await rm(folder.path, { recursive: true, force: true });
    } catch {
      signal.throwIfAborted(); // else it may be another user's, or damaged: not ours to remove
    }
  }
}

async function isOver(folder: RunFolder, signal: AbortSignal): Promise<boolean> {
  if ((await readJournal(folder)) !== undefined) return false; // it can be resumed
  return (await askStatus(folder, signal)) === undefined;
}
