import type { Manifest } from "@penstock/common";
import { type Attended, attend } from "../runs/attend.ts";
import { expectAsBefore } from "../runs/expectation.ts";
import { Journal } from "../runs/journal.ts";
import { openRunFolder, type RunFolder } from "../runs/run-folder.ts";
import { lockRun } from "../runs/run-lock.ts";
import { BackupRun } from "./backup-run.ts";
import { beginSet, isNameTaken } from "./begin.ts";
import type { RunContext } from "./context.ts";
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
    return kept.use(await beginJournal(folder, context, session, startedAt));
  });
}

/** Runs it to its commit, or to its failure; then the journal has nothing more to tell. */
export async function runToEnd(
  run: BackupRun,
  session: Session,
  attended: Attended,
  openJournal: () => Promise<Journal | undefined>,
): Promise<Manifest> {
  let journal: Journal | undefined;
  try {
    journal = await openJournal();
    const manifest = await run.execute(journal);
    await session.release();
    await journal?.remove();
    attended.succeeded("committed");
    return manifest;
  } catch (thrown) {
    const cause: unknown = session.signal.aborted ? session.signal.reason : thrown;
    const error = run.hasBegun ? toRunFailure(cause) : cause;
    attended.failed(error);
    if (await run.fail(error)) await journal?.remove();
    throw error;
  } finally {
    await run.sweep();
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

function beginJournal(
  folder: RunFolder,
  context: RunContext,
  { ref }: Session,
  startedAt: Date,
): Promise<Journal> {
  return Journal.create(folder, {
    formatVersion: 1,
    set: ref.run,
    plan: context.plan,
    producer: context.producerType,
    token: Buffer.from(ref.token).toString("base64"),
    hosts: context.agents.map(({ name }) => name),
    targets: context.targets.map(({ name }) => name),
    planDigest: digestOfPlan(context.producer.planBackup(ref.run)),
    startedAt: startedAt.toISOString(),
  });
}
