import type { Attempt } from "./attempt.ts";
import { lookBeside } from "./beside.ts";
import { configure } from "./configuration.ts";
import type { Ground, KnownSet } from "./ground.ts";
import { heal, strike } from "./host-faults.ts";
import { performRun, type RunToPerform } from "./perform-run.ts";
import { type Places, targetOf } from "./places.ts";
import type { HostFault, PlanName, RoundPlan } from "./round-plan.ts";
import { together } from "./together.ts";
import type { WatchedCommand } from "./watched-command.ts";

/** What has happened in a round. */
export interface Performed {
  readonly attempts: readonly Attempt[];
  readonly faults: readonly string[];
  /** Of commands that looked at sets, and of agents that cannot be started again. */
  readonly problems: readonly string[];
}

/**
 * Performs the runs of a round with all that happens to them. Afterwards the network is whole and all
 * agents are there again; what runs may have left behind is for others to see.
 */
export async function perform(
  plan: RoundPlan,
  ground: Ground,
  places: Places,
  signal: AbortSignal,
): Promise<Performed> {
  const configured = places.runs.map((planned) => {
    const restored = planned.kind === "restore" ? choose(ground, plan, planned.plan) : undefined;
    const run = { ...planned, streams: restored?.streams ?? planned.streams };
    return { run, target: targetOf(run), restored };
  });
  await configure(ground, configured, { ...places.usable, ...places.blocked });
  const faults: string[] = [];
  const problems: string[] = [];
  const happening = { ground, plan, faults, problems };
  const attempts = await performRuns(happening, configured, signal);
  problems.push(...(await heal(ground, signal)));
  return { attempts, faults, problems };
}

/** A round that goes on. */
interface Happening {
  readonly ground: Ground;
  readonly plan: RoundPlan;
  readonly faults: string[];
  readonly problems: string[];
}

/** All of it at the same time; returns when all of it has ended. */
async function performRuns(
  { ground, plan, faults, problems }: Happening,
  configured: readonly Pick<RunToPerform, "run" | "restored">[],
  signal: AbortSignal,
): Promise<Attempt[]> {
  const onFault = (kind: string): void => void faults.push(kind);
  const first = Promise.withResolvers<WatchedCommand>();
  first.promise.catch(() => {}); // told by the run itself
  const runs = configured
    .filter(({ run, restored }) => run.kind === "backup" || restored !== undefined)
    .map(async ({ run, restored }, index) => {
      const struck = { hostFaults: plan.hostFaults, isAwaited: index === 0 };
      const toPerform = { run, restored, struck };
      const onCommand = index === 0 ? first.resolve : () => {};
      return await performRun(ground, toPerform, { onCommand, onFault }, signal);
    });
  const seen = choose(ground, plan, plan.runs[0]?.plan);
  const strikes = runs.length === 0 ? [] : plan.hostFaults;
  const others = [
    ...strikes.map((fault) =>
      strikeWhenDue(fault, { first: first.promise, ground, onFault }, signal),
    ),
    ...plan.beside.map((what) => lookBeside(what, ground, seen, signal)),
  ];
  const attempts = together(runs);
  attempts.catch(first.reject);
  const found = together(others);
  await Promise.allSettled([attempts, found]); // one that fails must not leave the other alone
  problems.push(...(await found).flat());
  return (await attempts).flat();
}

/** One of a plan's sets; undefined if there is none. */
function choose(
  ground: Ground,
  { choice }: RoundPlan,
  plan: PlanName | undefined,
): KnownSet | undefined {
  const sets = ground.sets.filter((set) => set.plan === plan);
  return sets[Math.floor(choice * sets.length)];
}

interface Striking {
  readonly first: Promise<WatchedCommand>;
  readonly ground: Ground;
  readonly onFault: (kind: string) => void;
}

async function strikeWhenDue(
  fault: HostFault,
  { first, ground, onFault }: Striking,
  signal: AbortSignal,
): Promise<string[]> {
  const command = await first;
  if (!(await command.reaches(fault.at, signal))) return [];
  onFault(fault.kind);
  try {
    await strike(fault, ground, signal);
    return [];
  } catch (error) {
    signal.throwIfAborted();
    return [`${fault.kind} on ${fault.host}: ${error instanceof Error ? error.message : error}`];
  }
}
