import { hasCode } from "@penstock/common";
import { type JournalState, readJournal } from "./journal.ts";
import { listRunFolders, type RunFolder } from "./run-folder.ts";
import { lockRun } from "./run-lock.ts";

/** A backup that has not ended, and has no process on this host but ours, until it is disposed of. */
export interface DeadRun extends AsyncDisposable {
  readonly folder: RunFolder;
  readonly journal: JournalState;
}

/**
 * The backups of a cluster whose controller on this host was killed, newest first, each locked while
 * it is looked at. Folders that cannot be read, of another user perhaps, are passed over.
 */
export async function* findDeadRuns(
  runDirectory: string,
  cluster: string,
): AsyncGenerator<DeadRun, void, undefined> {
  for (const folder of await listRunFolders(runDirectory, cluster)) {
    if (!(await mayBeDead(folder))) continue;
    await using dead = await lockDead(folder).catch(() => undefined);
    if (dead !== undefined) yield dead;
  }
}

/** Most runs have ended: a lock for each would be dear. */
async function mayBeDead(folder: RunFolder): Promise<boolean> {
  return (await readJournal(folder).catch(() => undefined)) !== undefined;
}

/** The journal is read under the lock: a run that was just ending has none then. */
async function lockDead(folder: RunFolder): Promise<DeadRun | undefined> {
  await using lock = await lockUnlessAlive(folder);
  if (lock === undefined) return undefined;
  const journal = await readJournal(folder);
  if (journal === undefined) return undefined;
  const kept = lock.move();
  return { folder, journal, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function lockUnlessAlive(folder: RunFolder): Promise<AsyncDisposableStack | undefined> {
  try {
    const stack = new AsyncDisposableStack();
    stack.use(await lockRun(folder));
    return stack;
  } catch (error) {
    if (hasCode(error, "locked")) return undefined;
    throw error;
  }
}
