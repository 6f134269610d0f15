import { claimOf } from "./attempt.ts";
import type { RoundResult } from "./round.ts";

/** Something that must never be. */
export interface Violation {
  readonly round: number;
  readonly problem: string;
}

/** What a soak has come to. */
export interface Tally {
  readonly seed: number;
  readonly minutes: number;
  readonly rounds: number;
  /** Backups and restores, also those that took up another's run. */
  readonly runs: number;
  /** How often each kind has happened. */
  readonly faults: Readonly<Record<string, number>>;
  /** Sets. */
  readonly commits: number;
  /** Restores that gave everything. */
  readonly restores: number;
  /** Runs that have ended otherwise. */
  readonly failures: number;
  /** Backups that were taken up after their controller was killed, and committed. */
  readonly resumed: number;
  readonly violations: readonly Violation[];
}

/** Before the first round. */
export function emptyTally(seed: number): Tally {
  const counts = { rounds: 0, runs: 0, commits: 0, restores: 0, failures: 0, resumed: 0 };
  return { seed, minutes: 0, ...counts, faults: {}, violations: [] };
}

/** With one round more. */
export function withRound(tally: Tally, round: number, result: RoundResult): Tally {
  const { attempts, committed, faults, problems } = result;
  const good = attempts.filter((attempt) => claimOf(attempt) === "committed");
  const counts: Record<string, number> = { ...tally.faults };
  for (const kind of faults) counts[kind] = (counts[kind] ?? 0) + 1;
  return {
    ...tally,
    rounds: tally.rounds + 1,
    runs: tally.runs + attempts.length,
    faults: counts,
    commits: tally.commits + committed,
    restores: tally.restores + good.filter(({ restored }) => restored !== undefined).length,
    failures: tally.failures + attempts.length - good.length,
    resumed: tally.resumed + good.filter(({ args }) => args.includes("--resume")).length,
    violations: [...tally.violations, ...problems.map((problem) => ({ round, problem }))],
  };
}
