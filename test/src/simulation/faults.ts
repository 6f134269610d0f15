import type { DiskPlan } from "./disk.ts";
import type { Cut, NetworkPlan, Partition, Period } from "./network-plan.ts";
import type { Random } from "./random.ts";

/** A side that looks at a silent connection gives it up after so long. */
const SILENCE_MS = 15_000;

/** How much network trouble a mover must survive, whenever it comes: well within its patience. */
const HARMLESS_MS = 12_000;

/** A process that dies. */
export interface Crash {
  readonly who: "mover" | "agent";
  /** When: so many steps after the beginning. */
  readonly step: number;
  /** With its host: the other side is not told. */
  readonly isHostGone: boolean;
  /** The target's unflushed bytes go with it. */
  readonly isPowerCut: boolean;
  /** A mover: how long until another one takes over; `undefined` if none does. */
  readonly nextAfterMs: number | undefined;
}

/** What goes wrong in one world. */
export interface Faults {
  readonly network: NetworkPlan;
  readonly disk: DiskPlan;
  /** One after another: after a mover's crash, the mover is the one that took over. */
  readonly crashes: readonly Crash[];
  /** When the operator cancels. */
  readonly cancelMs: number | undefined;
  /** How fast the stream may go until when; `undefined` is as fast as it can. */
  readonly pace: { readonly bytesPerSecond: number; readonly untilMs: number } | undefined;
  /** What goes wrong is of the network, or the death of movers, and passes: the run must succeed. */
  readonly isHarmless: boolean;
  /** No connection has a reason to break. */
  readonly isUnbroken: boolean;
}

/** About a third of all worlds must succeed; in the others something may end the run. */
export function drawFaults(random: Random): Faults {
  const isCalm = random.chance(0.45);
  const network = drawNetwork(random, isCalm);
  const fatal = isCalm ? "none" : random.pick(FATAL);
  const crashes = fatal === "crash" ? drawCrashes(random) : [];
  const corrupted = fatal === "corruption" ? random.magnitude(1, 80) : undefined;
  return {
    network: { ...network, corruptedMessage: corrupted },
    disk: {
      mostDelayMs: random.magnitude(1, 200),
      stallMs: random.chance(0.1) ? random.between(1_000, 20_000) : 0,
      failsAt: fatal === "disk" ? random.magnitude(1, 100) : undefined,
      rottenChunk: fatal === "rot" ? random.magnitude(1, 30) : undefined,
    },
    crashes,
    cancelMs: fatal === "cancel" ? random.magnitude(1, 20_000) : undefined,
    pace: random.chance(0.2)
      ? { bytesPerSecond: random.magnitude(2_000, 100_000), untilMs: random.magnitude(10, 30_000) }
      : undefined,
    isUnbroken: corrupted === undefined && lostMs(network, crashes) + network.cuts.length === 0,
    isHarmless: ["none", "crash"].includes(fatal) && lostMs(network, crashes) <= HARMLESS_MS,
  };
}

const FATAL = [
  "none",
  "crash",
  "crash",
  "crash",
  "crash",
  "disk",
  "corruption",
  "cancel",
  "rot",
] as const;

function drawNetwork(random: Random, isCalm: boolean): NetworkPlan {
  const isQuiet = random.chance(0.1);
  const leastDelayMs = random.magnitude(1, 20);
  return {
    leastDelayMs,
    mostDelayMs: leastDelayMs + random.magnitude(1, 40),
    slowChance: random.chance(0.3) ? 0.3 : 0,
    capacity: random.magnitude(1, 16),
    partitions: several(random, isQuiet ? 0 : 3, () => drawPartition(random, isCalm)),
    refusals: several(random, isQuiet ? 0 : 1, () => drawPeriod(random, isCalm ? 4_000 : 40_000)),
    cuts: several(random, isQuiet ? 0 : 6, () =>
      random.chance(0.8) ? drawCut(random) : undefined,
    ),
    corruptedMessage: undefined,
  };
}

function drawPartition(random: Random, isCalm: boolean): Partition {
  const direction = random.pick(["there", "back", "both"] as const);
  return { ...drawPeriod(random, isCalm ? 4_000 : 60_000), direction };
}

function drawPeriod(random: Random, mostMs: number): Period {
  const fromMs = random.magnitude(1, 40_000);
  return { fromMs, toMs: fromMs + random.magnitude(10, mostMs) };
}

function drawCut(random: Random): Cut {
  const hears = (): number | undefined =>
    random.pick([0, 0, random.between(1, 20_000), undefined] as const);
  const afterMessages = random.chance(0.1) ? random.between(1, 2) : random.magnitude(3, 60);
  return { afterMessages, clientHearsMs: hears(), serverHearsMs: hears() };
}

function drawCrashes(random: Random): Crash[] {
  let step = 0;
  return Array.from({ length: random.magnitude(1, 3) }, () => {
    step += random.chance(0.5) ? random.magnitude(1, 300) : random.between(1, 150);
    return {
      who: random.chance(0.8) ? "mover" : "agent",
      step,
      isHostGone: random.chance(0.5),
      isPowerCut: random.chance(0.5),
      nextAfterMs: random.chance(0.7) ? random.magnitude(1, 40_000) : undefined,
    };
  });
}

function several<T>(random: Random, most: number, draw: () => T): T[] {
  return Array.from({ length: random.between(0, most) }, draw);
}

/** For how long the stream stands still, if all of it comes together. */
function lostMs({ partitions, refusals, cuts }: NetworkPlan, crashes: readonly Crash[]): number {
  const periods = [...partitions, ...refusals].map(({ fromMs, toMs }) => toMs - fromMs);
  const inHandshakes = cuts.map((cut) =>
    cut !== undefined && cut.afterMessages < 3
      ? Math.min(cut.clientHearsMs ?? SILENCE_MS, SILENCE_MS)
      : 0,
  );
  const dead = crashes.map(({ who, nextAfterMs }) =>
    who === "mover" ? (nextAfterMs ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY,
  );
  return [...periods, ...inHandshakes, ...dead].reduce((sum, ms) => sum + ms, 0);
}
