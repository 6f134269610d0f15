import { formatDuration, hasCode, type Manifest, PenstockError } from "@penstock/common";
import { setKeys } from "../catalogue/keys.ts";
import { Journal, type JournalState, readJournal } from "../runs/journal.ts";
import type { RunFolder } from "../runs/run-folder.ts";
import { lockRun } from "../runs/run-lock.ts";
import { attendBackup, runToEnd, warnOfJournal } from "./backup.ts";
import { BackupRun } from "./backup-run.ts";
import { finishCommit } from "./commit.ts";
import type { RunContext } from "./context.ts";
import { digestOfPlan } from "./plan-digest.ts";
import { type PlannedBackup, planAgain } from "./planning.ts";
import { Session } from "./session.ts";
import { settleDead } from "./settle-dead.ts";
import { sweepSet } from "./sweep-set.ts";

const CLEAN_UP_TIMEOUT_MS = 10_000;

/**
 * Goes on with the backup of a controller that is dead, while its agents still hold the run: the same
 * streams, the same tools, no byte lost. Throws `locked` if that controller is not dead, `not_found`
 * if there is nothing to go on with, `usage` if the plan is another by now; then nothing has changed.
 * Throws `failed` if an agent has given up the run: the set is noted as failed then.
 */
export async function resumeBackup(
  context: RunContext,
  folder: RunFolder,
  signal: AbortSignal,
): Promise<Manifest> {
  await using kept = new AsyncDisposableStack();
  kept.use(await lockRun(folder));
  const before = await readJournal(folder);
  if (before === undefined) throw nothingLeft(folder);
  const backup = samePlan(context, before);
  const journal = kept.use(await Journal.reopen(folder, warnOfJournal(context.report)));
  const committed = await finishCommit(context, before.head.set, signal);
  if (committed !== undefined) {
    await tellAgents(context, (agent, soon) => agent.releaseRun(refOf(before), soon));
    await sweepSet(context, before.head.set, AbortSignal.timeout(CLEAN_UP_TIMEOUT_MS));
    await journal.remove();
    return committed;
  }
  assertCanGoOn(before, backup);
  const session = await adopt(context, before, journal, signal);
  const startedAt = new Date(before.head.startedAt);
  const attended = kept.use(await attendBackup(context, session, folder));
  const own = { ...context, report: attended.report };
  const run = new BackupRun({ context: own, session, before, startedAt });
  return await runToEnd(run, session, attended, async () => {
    // From here on sweeping is ours; the guards of the dead process would come in between.
    const { scope } = setKeys(context.cluster, before.head.set);
    for (const { target } of context.targets) await target.keepOrphans?.(scope, session.signal);
    return { backup, journal };
  });
}

async function adopt(
  context: RunContext,
  before: JournalState,
  journal: Journal,
  signal: AbortSignal,
): Promise<Session> {
  const { run, token } = refOf(before);
  try {
    return await Session.adopt({ ...context, run }, token, signal);
  } catch (error) {
    if (!hasCode(error, "not_found")) throw error;
    const lease = formatDuration(before.head.leaseMs);
    const reason = `its controller was killed, and it was too late to go on: the agents keep a run for ${lease}`;
    await tellAgents(context, (agent, soon) =>
      agent.abortRun({ ref: refOf(before), reason }, soon),
    );
    if (await settleDead(context, before, reason)) await journal.remove();
    throw tooLate(before, reason, error);
  }
}

/** Plugin processes wait for an answer of the very process that is dead. */
function assertCanGoOn({ head }: JournalState, { planned }: PlannedBackup): void {
  if (planned.plugin === undefined) return;
  const message = `set ${head.set} cannot be resumed: its ${head.producer} has ended with its controller`;
  throw new PenstockError("usage", message, {
    hint: "begin anew; the agents clean up by themselves",
  });
}

/** The plan as it was then. */
function samePlan(context: RunContext, { head }: JournalState): PlannedBackup {
  const { plan } = context;
  const backup = planAgain(context, head);
  if (digestOfPlan(context, backup.planned) === head.planDigest) return backup;
  throw new PenstockError("usage", `plan ${plan} is not what it was when set ${head.set} began`, {
    hint: "restore the configuration of then, and try again before the lease ends",
  });
}

/** Those that cannot be told clean up when their lease ends. */
async function tellAgents(
  { agents }: RunContext,
  action: (agent: RunContext["agents"][number], signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const soon = AbortSignal.timeout(CLEAN_UP_TIMEOUT_MS);
  await Promise.allSettled(agents.map((agent) => action(agent, soon)));
}

function refOf({ head }: JournalState): { run: string; token: Buffer } {
  return { run: head.set, token: Buffer.from(head.token, "base64") };
}

function tooLate({ head, receipts }: JournalState, reason: string, cause: Error): PenstockError {
  const finished = "the streams that were finished can be read with: penstock cat";
  const longer = "a longer lease: in the plan leaves more time";
  return new PenstockError("failed", `set ${head.set}: ${reason}`, {
    cause,
    hint: receipts.length === 0 ? longer : finished,
  });
}

function nothingLeft({ run }: RunFolder): PenstockError {
  return new PenstockError("not_found", `run ${run} has ended: there is nothing to resume`, {
    hint: `see: penstock show ${run}`,
  });
}
