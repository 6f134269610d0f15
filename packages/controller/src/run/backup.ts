import { isNameTaken, type Manifest, toError } from "@penstock/common";
import { Journal, type JournalHead } from "../runs/journal.ts";
import type { Reporter } from "../runs/report.ts";
import { openRunFolder, type RunFolder } from "../runs/run-folder.ts";
import { lockRun } from "../runs/run-lock.ts";
import { type Attended, attend } from "./attend.ts";
import { BackupRun } from "./backup-run.ts";
import { beginSet } from "./begin.ts";
import type { RunContext } from "./context.ts";
import { expectAsBefore } from "./expectation.ts";
import { digestOfPlan } from "./plan-digest.ts";
import { reachAll } from "./reach.ts";
import { toRunFailure } from "./run-failure.ts";
import type { Session } from "./session.ts";

/**
 * Runs a plan: one committed set on every target, or none. Whatever happens, the hosts are left as
 * they were. Throws the run's first failure; `failed.json` then says what was finished.
 */
export async function backup(context: RunContext, signal: AbortSignal): Promise<Manifest> {
  await reachAll(context.agents, context.cluster, signal);
  for (;;) {
    const session = await beginSet(context, signal);
    try {
      return await runNew(context, session);
    } catch (error) {
      if (!isNameTaken(error)) throw error; // else another plan was a moment earlier: try again
    }
  }
}

async function runNew(context: RunContext, session: Session): Promise<Manifest> {
  await using kept = new AsyncDisposableStack();
  const startedAt = new Date();
  const folder = await openFolder(context, session);
  const attended = kept.use(await attendBackup(context, session, folder));
  const { report } = attended;
  const own = { ...context, report };
  const run = new BackupRun({ context: own, session, before: undefined, startedAt });
  return await runToEnd(run, session, attended, async () => {
    if (folder === undefined) return undefined;
    kept.use(await lockRun(folder));
    const journal = await beginJournal(folder, own, session, startedAt);
    return journal === undefined ? undefined : kept.use(journal);
  });
}

/** Runs it to its commit, or to its failure; then the journal has nothing more to tell. */
export async function runToEnd(
  run: BackupRun,
  session: Session,
  attended: Attended,
  openJournal: () => Promise<Journal | undefined>,
): Promise<Manifest> {
  const manifest = await runToCommit(run, session, attended, openJournal);
  // From here on nothing can make the set undone.
  await session.release();
  attended.succeeded("committed");
  await run.sweep();
  return manifest;
}

async function runToCommit(
  run: BackupRun,
  session: Session,
  attended: Attended,
  openJournal: () => Promise<Journal | undefined>,
): Promise<Manifest> {
  let journal: Journal | undefined;
  try {
    journal = await openJournal();
    const manifest = await run.execute(journal);
    await journal?.remove();
    return manifest;
  } catch (thrown) {
    const cause: unknown = session.signal.aborted ? session.signal.reason : thrown;
    const error = run.hasBegun ? toRunFailure(cause) : cause;
    attended.failed(error);
    if (await run.fail(error)) await journal?.remove();
    throw error;
  }
}

/** Attends to a backup; see `attend`. */
export function attendBackup(
  context: RunContext,
  session: Session,
  folder: RunFolder | undefined,
): Promise<Attended> {
  return attend(context, session, {
    folder,
    kind: "backup",
    set: session.ref.run,
    expected: (signal) => expectAsBefore(context, signal),
  });
}

async function openFolder(context: RunContext, session: Session): Promise<RunFolder | undefined> {
  try {
    return await openRunFolder(context, session.ref.run);
  } catch (error) {
    await session.release();
    throw error;
  }
}

/** Without one the run goes on, too: only a crash ends it then. */
async function beginJournal(
  folder: RunFolder,
  context: RunContext,
  session: Session,
  startedAt: Date,
): Promise<Journal | undefined> {
  const head = journalHead(context, session, startedAt);
  const onBroken = warnOfJournal(context.report);
  try {
    return await Journal.create(folder, head, onBroken);
  } catch (error) {
    onBroken(toError(error));
    return undefined;
  }
}

/** Says what is missing when a journal cannot be written. */
export function warnOfJournal(report: Reporter): (error: Error) => void {
  return ({ message }) =>
    report({ event: "warning", message: `${message}; this run cannot be resumed` });
}

function journalHead(context: RunContext, { ref }: Session, startedAt: Date): JournalHead {
  return {
    formatVersion: 1,
    set: ref.run,
    plan: context.plan,
    producer: context.producerType,
    token: Buffer.from(ref.token).toString("base64"),
    hosts: context.agents.map(({ name }) => name),
    targets: context.targets.map(({ name }) => name),
    planDigest: digestOfPlan(context, context.producer.planBackup(ref.run)),
    startedAt: startedAt.toISOString(),
    leaseMs: context.leaseMs,
  };
}
