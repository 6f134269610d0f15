import { textTable } from "../bench/text-table.ts";
import { statusOf } from "./expected.ts";
import type { RoundResult } from "./round.ts";
import type { RoundPlan } from "./round-plan.ts";
import type { Tally, Violation } from "./tally.ts";

/** The whole as one JSON object. */
export function toJson(tally: Tally): string {
  return `${JSON.stringify(tally, undefined, 2)}\n`;
}

/** The whole for a reader. */
export function toText(tally: Tally): string {
  const { rounds, runs, commits, restores, failures, resumed, violations } = tally;
  const counts = { rounds, runs, commits, restores, failures, resumed };
  const rows = [
    ["seed", String(tally.seed)],
    ["minutes", tally.minutes.toFixed(1)],
    ...Object.entries(counts).map(([name, count]) => [name, String(count)]),
    ...Object.entries(tally.faults)
      .sort()
      .map(([kind, count]) => [`fault: ${kind}`, String(count)]),
    ["violations", String(violations.length)],
  ];
  return textTable(["", ""], rows).trimStart();
}

/** One line for a round that has ended. */
export function toLine({ number, runs, hostFaults }: RoundPlan, result: RoundResult): string {
  const about = runs.map(({ kind, plan, settings: { compression, leaseMs } }) => {
    return `${kind} ${plan} (${compression}, lease ${leaseMs / 1000}s)`;
  });
  const planned = [
    ...runs.flatMap(({ fault }) => fault?.kind ?? []),
    ...hostFaults.map((each) => each.kind),
  ];
  const missed = planned.filter((kind) => !result.faults.includes(kind));
  const faults = [...result.faults, ...missed.map((kind) => `(too late: ${kind})`)];
  const ends = result.attempts.map(({ outcome }) => statusOf(outcome)).join(" ");
  return `round ${number}: ${about.join(" + ")}; ${faults.join(", ") || "no fault"}; ended with ${ends}\n`;
}

/** A violation, and how to see it again. */
export function toAlarm(seed: number, { round, problem }: Violation): string {
  const again = `npm run soak -- --seed ${seed} --first ${round} --rounds 1`;
  return `VIOLATION in round ${round} of seed ${seed}: ${problem}\n  again: ${again}\n`;
}
