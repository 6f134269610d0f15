import type { Outcome } from "../harness/child.ts";
import { type Status, statusOf } from "./expected.ts";
import type { KnownSet } from "./ground.ts";
import type { RunPlan } from "./round-plan.ts";

/** One command of a round that has ended. */
export interface Attempt {
  readonly run: RunPlan;
  readonly args: readonly string[];
  readonly outcome: Outcome;
  /** Those it may have ended with. */
  readonly expected: ReadonlySet<Status>;
  /** Of a backup: what it began to make. Undefined if it did not come so far. */
  readonly set: string | undefined;
  /** Of a restore. */
  readonly restored: KnownSet | undefined;
}

/** What must be true of a backup's set once nothing of its run is left. */
export type Claim = "committed" | "absent" | "either";

/** Exit status 0 is the only promise; who was killed promises nothing. */
export function claimOf(attempt: Attempt): Claim {
  const status = statusOf(attempt.outcome);
  if (status === 0) return "committed";
  const isResume = attempt.args.includes("--resume");
  return status === "SIGKILL" || (isResume && status === 7) ? "either" : "absent";
}

/** What is wrong about how a command ended; undefined if nothing is. */
export function wrongEnd({ args, outcome, expected }: Attempt): string | undefined {
  const status = statusOf(outcome);
  if (expected.has(status)) return undefined;
  const allowed = [...expected].join(" or ");
  return `${args.join(" ")} ended with ${status} instead of ${allowed}: ${outcome.stderr.trim()}`;
}
