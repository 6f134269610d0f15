import { setTimeout as delay } from "node:timers/promises";
import { descendantsOf } from "../harness/processes.ts";
import type { Attempt } from "./attempt.ts";
import { Deadline } from "./deadline.ts";
import { expectedOfResume, expectedOfSecond, expectedStatuses, type Struck } from "./expected.ts";
import type { Ground, KnownSet } from "./ground.ts";
import type { RunFault, RunPlan } from "./round-plan.ts";
import { WatchedCommand } from "./watched-command.ts";

/** A run that is configured and can begin. */
export interface RunToPerform {
  readonly run: RunPlan;
  readonly restored: KnownSet | undefined;
  /** What may strike it beside its own fault. */
  readonly struck: Struck;
}

/** What a run tells those around it. */
export interface RunEvents {
  /** It has been started. */
  onCommand(command: WatchedCommand): void;
  /** Its own fault has happened. */
  onFault(kind: RunFault["kind"]): void;
}

/** A run that has not ended after this time hangs: longer than any lease, timeout and fault together. */
const RUN_LIMIT_MS = 240_000;

/** Performs a run with its own fault. Returns every command that was part of it, in order. */
export async function performRun(
  ground: Ground,
  toPerform: RunToPerform,
  events: RunEvents,
  signal: AbortSignal,
): Promise<Attempt[]> {
  const { run, restored, struck } = toPerform;
  const { kind, fault } = run;
  const about = restored === undefined ? [] : ["--set", restored.set];
  const args = [kind, run.plan, ...about, "-o", "json"];
  await using child = await ground.start(args, signal);
  const command = new WatchedCommand(child);
  events.onCommand(command);
  if (isInherent(fault)) events.onFault(fault.kind);
  const other = await interfere(ground, toPerform, { command, ...events }, signal);
  const outcome = await withinLimit(child, signal);
  const set = kind === "backup" ? command.set : undefined;
  const expected = expectedStatuses(run, struck);
  const first = { run, args, outcome, expected, set, restored };
  if (fault?.kind === "second run") return [first, ...other];
  return [first, ...(await resume(ground, toPerform, first, signal))];
}

/** Lies in how the plan is configured, and happens in any case. */
function isInherent(fault: RunFault | undefined): fault is RunFault {
  return fault !== undefined && !("at" in fault);
}

interface Interfering extends RunEvents {
  readonly command: WatchedCommand;
}

async function interfere(
  ground: Ground,
  { run, struck: { hostFaults } }: RunToPerform,
  { command, onFault }: Interfering,
  signal: AbortSignal,
): Promise<Attempt[]> {
  const { fault } = run;
  if (fault === undefined || !("at" in fault)) return [];
  if (!(await command.reaches(fault.at, signal))) return [];
  onFault(fault.kind);
  switch (fault.kind) {
    case "interrupted":
      command.child.kill(fault.signal);
      return [];
    case "controller killed":
      ground.orphans.push(...(await descendantsOf(command.child.pid)));
      command.child.kill("SIGKILL");
      return [];
    case "second run": {
      const expected = expectedOfSecond(run, hostFaults);
      return [await again(ground, { run, args: ["backup", run.plan], expected }, signal)];
    }
  }
}

async function resume(
  ground: Ground,
  { run, struck: { hostFaults } }: RunToPerform,
  { set, outcome }: Attempt,
  signal: AbortSignal,
): Promise<Attempt[]> {
  const { fault } = run;
  if (fault?.kind !== "controller killed" || outcome.signal !== "SIGKILL") return [];
  if (fault.resumeAfterMs === undefined || set === undefined) return [];
  await delay(fault.resumeAfterMs, undefined, { signal });
  const expected = expectedOfResume(run, hostFaults);
  return [await again(ground, { run, args: ["backup", "--resume", set], expected, set }, signal)];
}

async function again(
  ground: Ground,
  attempt: Pick<Attempt, "run" | "args" | "expected"> & { readonly set?: string },
  signal: AbortSignal,
): Promise<Attempt> {
  const args = [...attempt.args, "-o", "json"];
  await using child = await ground.start(args, signal);
  const command = new WatchedCommand(child);
  const outcome = await withinLimit(child, signal);
  const { set = command.set } = attempt;
  return { ...attempt, args, outcome, set, restored: undefined };
}

/** How it ends; one that hangs is killed, which no run is expected to end with by itself. */
async function withinLimit(
  child: WatchedCommand["child"],
  signal: AbortSignal,
): Promise<Attempt["outcome"]> {
  using limit = new Deadline(RUN_LIMIT_MS, signal);
  limit.signal.addEventListener("abort", () => child.kill("SIGABRT"), { once: true });
  const outcome = await child.outcome;
  signal.throwIfAborted();
  return outcome;
}
