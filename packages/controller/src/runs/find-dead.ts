import { hasCode } from "@penstock/common";
import { type JournalState, readJournal } from "./journal.ts";
import { listRunFolders, type RunFolder } from "./run-folder.ts";
import { lockRun } from "./run-lock.ts";

/** A backup that has not ended, and has no process on this host. */
export interface DeadRun {
  readonly folder: RunFolder;
  readonly journal: JournalState;
}

/** The backups of a cluster whose controller on this host was killed, newest first. */
export async function findDeadRuns(runDirectory: string, cluster: string): Promise<DeadRun[]> {
  const dead: DeadRun[] = [];
  for (const folder of await listRunFolders(runDirectory, cluster)) {
    const journal = await readJournal(folder);
    if (journal !== undefined && !(await hasProcess(folder))) dead.push({ folder, journal });
  }
  return dead;
}

async function hasProcess(folder: RunFolder): Promise<boolean> {
  try {
    await using _lock = await lockRun(folder);
    return false;
  } catch (error) {
    if (hasCode(error, "locked")) return true;
    throw error;
  }
}
