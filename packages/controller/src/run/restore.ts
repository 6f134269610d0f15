import { hasCode, isNameTaken, type Manifest, PenstockError, systemClock } from "@penstock/common";
import { assertCommitted } from "../catalogue/catalogue.ts";
import { toSetName } from "../catalogue/keys.ts";
import type { RestoreOptions, RunPlan } from "../producers/producer.ts";
import type { Expected, Reporter } from "../runs/report.ts";
import { openRunFolder } from "../runs/run-folder.ts";
import { assertAllComplete } from "./all-complete.ts";
import { type Attended, attend } from "./attend.ts";
import type { RunContext } from "./context.ts";
import { toExpected } from "./expectation.ts";
import { explained } from "./explained.ts";
import { ask } from "./inquiry.ts";
import { lookInto } from "./look-into.ts";
import { reachAll } from "./reach.ts";
import { RestoreRun } from "./restore-run.ts";
import { reasonText, toRunFailure } from "./run-failure.ts";
import { Session } from "./session.ts";
import { verifyFirst } from "./verify-first.ts";

/** What is to be restored. */
export interface RestoreRequest {
  /** Where the set is read. */
  readonly source: RunContext["targets"][number];
  readonly manifest: Manifest;
  readonly options: RestoreOptions;
}

/** What a restore has come to. */
export interface Restored {
  /** How many streams were taken to their end. */
  readonly streams: number;
  /** Of the tools; they have been reported. */
  readonly warnings: readonly string[];
}

/**
 * Gives a committed set back to its tools. Before anything is started or made, the set is checked
 * to be there and whole. A consumer sees the end of its input only if all of it was right;
 * otherwise it is killed first. Throws the first failure.
 */
export async function restore(
  context: RunContext,
  request: RestoreRequest,
  signal: AbortSignal,
): Promise<Restored> {
  const { source, manifest } = request;
  assertCommitted(manifest);
  const planned = planAtOnce(context, request);
  await assertAllComplete(source.target, manifest.streams, signal);
  await reachAll(context.agents, context.cluster, signal).catch((error: unknown) => {
    throw hasCode(error, "unreachable") ? orElsewhere(error) : error;
  });
  for (;;) {
    try {
      return await restoreNow(context, request, planned, signal);
    } catch (error) {
      if (!isNameTaken(error)) throw error;
      // Another restore of the set has begun in this second.
      await systemClock.delay(1_000 - (Date.now() % 1_000), signal);
    }
  }
}

async function restoreNow(
  context: RunContext,
  request: RestoreRequest,
  planned: RunPlan | undefined,
  signal: AbortSignal,
): Promise<Restored> {
  const { source, manifest } = request;
  const run = `restore-${manifest.set}-${toSetName(new Date())}`;
  const session = await Session.open({ ...context, run }, signal);
  await using attended = await attendRestore(context, session, manifest);
  const counted = countDone(attended.report);
  const own = { ...context, report: counted.report };
  let hasBegun = false;
  let plan = planned;
  try {
    const restoring = new RestoreRun({ context: own, session, source, manifest });
    plan ??= await planByAsking(own, session, request);
    await restoring.check(plan);
    await lookInto(source.target, plan, session.signal);
    await verifyFirst(own, plan, request, session.signal);
    hasBegun = true;
    own.report({
      event: "started",
      run,
      set: manifest.set,
      plan: context.plan,
      startedAt: new Date().toISOString(),
    });
    const warnings = await restoring.execute(plan);
    await session.release();
    attended.succeeded("restored");
    return { streams: counted.done.size, warnings };
  } catch (thrown) {
    const first: unknown = session.signal.aborted ? session.signal.reason : thrown;
    const cause = await explained(session, plan?.proof, first);
    const error = hasBegun ? toRunFailure(cause) : cause;
    attended.failed(error);
    await session.abort(reasonText(error));
    throw error;
  }
}

/** Streams that plugin processes want are in no plan. */
function countDone(report: Reporter): { readonly report: Reporter; readonly done: Set<string> } {
  const done = new Set<string>();
  return {
    done,
    report(told) {
      if (told.event === "stream" && told.state === "done") done.add(told.stream);
      report(told);
    },
  };
}

function orElsewhere(error: PenstockError): PenstockError {
  const map = "a host that is gone for good: --map HOST=OTHER has another agent stand in";
  const hint = error.hint === undefined ? map : `${error.hint}; ${map}`;
  return new PenstockError(error.code, error.message, { cause: error, hint });
}

/** What a plan can do is said before anything is reached, unless the hosts have to be asked. */
function planAtOnce(
  { producer }: RunContext,
  { manifest, options }: RestoreRequest,
): RunPlan | undefined {
  if (producer.inquireRestore !== undefined) return undefined;
  return producer.planRestore(manifest, undefined, options);
}

async function planByAsking(
  context: RunContext,
  session: Session,
  { manifest, options }: RestoreRequest,
): Promise<RunPlan> {
  const { producer } = context;
  const inquiry = producer.inquireRestore?.(manifest, options);
  const answers = inquiry && (await ask(context, session, inquiry));
  return producer.planRestore(manifest, answers, options);
}

async function attendRestore(
  context: RunContext,
  session: Session,
  manifest: Manifest,
): Promise<Attended> {
  const { set } = manifest;
  const expected = (): Promise<Expected> => Promise.resolve(toExpected(manifest));
  try {
    const folder = await openRunFolder(context, session.ref.run);
    return await attend(context, session, { folder, kind: "restore", set, expected });
  } catch (error) {
    await session.release();
    throw error;
  }
}
