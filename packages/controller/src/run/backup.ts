import { isNameTaken, type Manifest, toError } from "@penstock/common";
import type { FileLists } from "../producers/producer.ts";
import { Journal, type JournalHead } from "../runs/journal.ts";
import type { Reporter } from "../runs/report.ts";
import { openRunFolder, type RunFolder } from "../runs/run-folder.ts";
import { lockRun } from "../runs/run-lock.ts";
import { type Attended, attend } from "./attend.ts";
import { BackupRun } from "./backup-run.ts";
import { beginNamed, beginSet } from "./begin.ts";
import type { RunContext } from "./context.ts";
import { expectAsBefore } from "./expectation.ts";
import { explained } from "./explained.ts";
import { digestOfPlan } from "./plan-digest.ts";
import { type PlannedBackup, planListed, planOwn } from "./planning.ts";
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
      return await runNew(context, session, (own) => planOwn(own, session));
    } catch (error) {
      if (!isNameTaken(error)) throw error; // else another plan was a moment earlier: try again
    }
  }
}

/**
 * The same for a tool that somebody else starts, before or after this: `lists` is what it has said of
 * its files. The set's name is that of the lists; throws `locked` if there is such a set.
 */
export async function backupListed(
  context: RunContext,
  lists: FileLists,
  signal: AbortSignal,
): Promise<Manifest> {
  const listed = planListed(context, lists);
  await reachAll(context.agents, context.cluster, signal);
  const session = await beginNamed(context, listed.set, signal);
  return await runNew(context, session, () => Promise.resolve(listed));
}

async function runNew(
  context: RunContext,
  session: Session,
  plan: (context: RunContext) => Promise<PlannedBackup>,
): Promise<Manifest> {
  await using kept = new AsyncDisposableStack();
  const startedAt = new Date();
  const folder = await openFolder(context, session);
  const attended = kept.use(await attendBackup(context, session, folder));
  const { report } = attended;
  const own = { ...context, report };
  const run = new BackupRun({ context: own, session, before: undefined, startedAt });
  return await runToEnd(run, session, attended, async () => {
    if (folder !== undefined) kept.use(await lockRun(folder));
    const backup = await plan(own);
    if (folder === undefined) return { backup, journal: undefined };
    const head = journalHead(own, session, startedAt, backup);
    const journal = await beginJournal(folder, head, own.report);
    return { backup, journal: journal && kept.use(journal) };
  });
}

/** A backup that can begin, and its journal if it has one. */
export interface ReadyBackup {
  readonly backup: PlannedBackup;
  readonly journal: Journal | undefined;
}

/** Runs it to its commit, or to its failure; then the journal has nothing more to tell. */
export async function runToEnd(
  run: BackupRun,
  session: Session,
  attended: Attended,
  makeReady: () => Promise<ReadyBackup>,
): Promise<Manifest> {
  const manifest = await runToCommit(run, session, attended, makeReady);
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
  makeReady: () => Promise<ReadyBackup>,
): Promise<Manifest> {
  let ready: ReadyBackup | undefined;
  try {
    ready = await makeReady();
    const manifest = await run.execute(ready.backup, ready.journal);
    await ready.journal?.remove();
    return manifest;
  } catch (thrown) {
    const first: unknown = session.signal.aborted ? session.signal.reason : thrown;
    const cause = await explained(session, ready?.backup.planned.proof, first);
    const error = run.hasBegun ? toRunFailure(cause) : cause;
    attended.failed(error);
    if (await run.fail(error)) await ready?.journal?.remove();
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
  head: JournalHead,
  report: Reporter,
): Promise<Journal | undefined> {
  const onBroken = warnOfJournal(report);
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

function journalHead(
  context: RunContext,
  { ref }: Session,
  startedAt: Date,
  { planned, basis }: PlannedBackup,
): JournalHead {
  return {
    formatVersion: 1,
    set: ref.run,
    plan: context.plan,
    producer: context.producerType,
    token: Buffer.from(ref.token).toString("base64"),
    hosts: context.agents.map(({ name }) => name),
    targets: context.targets.map(({ name }) => name),
    planDigest: digestOfPlan(context, planned),
    startedAt: startedAt.toISOString(),
    leaseMs: context.leaseMs,
    ...basis,
  };
}
