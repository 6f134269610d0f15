import { PenstockError } from "@penstock/common";
import type {
  Evidence,
  FileLists,
  HostFile,
  ListedBackup,
  RunPlan,
} from "../producers/producer.ts";
import type { JournalHead } from "../runs/journal.ts";
import type { RunContext } from "./context.ts";
import { ask } from "./inquiry.ts";
import type { Session } from "./session.ts";

/** A backup that is planned. */
export interface PlannedBackup {
  readonly planned: RunPlan;
  /** Somebody else runs the tool: what it has written when it is done. */
  readonly awaited: readonly HostFile[] | undefined;
  /** What it was planned from, so that another process can plan the same. */
  readonly basis: { readonly answers?: Evidence; readonly lists?: FileLists };
}

/** Plans a backup of our own; asks the hosts if the producer wants to know something. */
export async function planOwn(context: RunContext, session: Session): Promise<PlannedBackup> {
  const { run: set } = session.ref;
  const inquiry = context.producer.inquireBackup?.(set);
  return planFrom(context, set, inquiry && (await ask(context, session, inquiry)));
}

/** Plans a backup by a tool of others. Throws `usage` if the producer's tool has no lists. */
export function planListed(
  context: Pick<RunContext, "producer" | "plan" | "producerType">,
  lists: FileLists,
): PlannedBackup & ListedBackup {
  const { producer, plan, producerType } = context;
  const listed = producer.planFromLists?.(lists);
  if (listed === undefined) {
    const message = `plan ${plan} is of producer ${producerType}, whose tool has no lists of its files`;
    throw new PenstockError("usage", message, { hint: "--from-lists is for plans of gpcrondump" });
  }
  return { ...listed, planned: listed.plan, basis: { lists } };
}

/** The same as another process has planned: nobody is asked again. */
export function planAgain(
  context: RunContext,
  { set, answers, lists }: JournalHead,
): PlannedBackup {
  return lists === undefined ? planFrom(context, set, answers) : planListed(context, lists);
}

function planFrom(
  { producer }: RunContext,
  set: string,
  answers: Evidence | undefined,
): PlannedBackup {
  const planned = producer.planBackup(set, answers);
  return { planned, awaited: undefined, basis: answers === undefined ? {} : { answers } };
}
