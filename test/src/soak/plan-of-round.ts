import { Random } from "../simulation/random.ts";
import { POOL_BYTES } from "./pool.ts";
import {
  AMPLE_LEASE_MS,
  type Beside,
  bytesOf,
  type HostFault,
  type Moment,
  PLANS,
  type PlanName,
  type RoundPlan,
  type RunFault,
  type RunPlan,
  type RunSettings,
  type StreamPlan,
} from "./round-plan.ts";

const MIB = 2 ** 20;
const LARGEST_BYTES = 30 * MIB;
/** What happens often stands here twice. */
const HOST_FAULTS = [
  "connection cut",
  "connection cut",
  "agent killed",
  "network down",
  "network held",
  "answers lost",
  "agent stopped",
] as const;
/** The first stream is written in as many pieces at least. */
const LEAST_PIECES = 5;
/** A tool that has read everything may work on it for as long as it likes. */
const BEFORE_THE_END = { stream: 0, piece: LEAST_PIECES - 1 };
const BESIDE: readonly Beside[] = ["list", "show", "verify", "cat"];

/** What happens in a round. It follows from these numbers and the names of the hosts alone. */
export function planOfRound(seed: number, number: number, hosts: readonly string[]): RoundPlan {
  const random = new Random(seed ^ Math.imul(number, 0x9e3779b1));
  const shuffled = random.chance(0.5) ? [...PLANS] : [...PLANS].reverse();
  const plans = random.chance(0.25) ? shuffled : shuffled.slice(0, 1);
  const runs = plans.map((plan) => chooseRun(plan, hosts, random.fork()));
  const [first] = runs;
  const hostFaults = first === undefined ? [] : chooseHostFaults(first, hosts, random.fork());
  const beside = BESIDE.filter(() => random.chance(0.2));
  return { number, runs, hostFaults, beside, choice: random.next() };
}

function chooseRun(plan: PlanName, hosts: readonly string[], random: Random): RunPlan {
  const kind = random.chance(0.65) ? "backup" : "restore";
  const streams = chooseStreams(hosts, random);
  const settings = chooseSettings(random);
  const chosen = random.chance(0.6) ? chooseRunFault(kind, streams, hosts, random) : undefined;
  return { plan, kind, streams, settings, fault: chosen };
}

function chooseSettings(random: Random): RunSettings {
  return {
    compression: random.pick(["none", "none", "gzip", "zstd"]),
    leaseMs: random.chance(0.5) ? AMPLE_LEASE_MS : random.between(2, 6) * 1000,
    segmentSize: random.pick(["8GiB", "8GiB", "64KiB", "1MiB", "5MiB"]),
    throttle: random.chance(0.2) ? `${random.between(4, 40)}MiB/s` : "off",
  };
}

/** The first stream is never short, so that faults find something to strike. */
function chooseStreams(hosts: readonly string[], random: Random): StreamPlan[] {
  const count = random.between(1, 4);
  const withStdout = random.chance(0.4);
  return Array.from({ length: count }, (_, index) => ({
    name: `app${index}`,
    kind: withStdout && index === count - 1 ? "stdout" : "fifo",
    contents: Object.fromEntries(hosts.map((host) => [host, chooseContent(index, random)])),
  }));
}

function chooseContent(index: number, random: Random): StreamPlan["contents"][string] {
  const least = index === 0 ? MIB : 1;
  const isEmpty = index > 0 && random.chance(0.15);
  const bytes = isEmpty ? 0 : random.magnitude(least, LARGEST_BYTES);
  return {
    fromByte: random.between(0, POOL_BYTES - bytes),
    bytes,
    pieces: random.between(index === 0 ? LEAST_PIECES : 1, 12),
    pauseMs: random.between(0, 6) * 50,
  };
}

function chooseRunFault(
  kind: RunPlan["kind"],
  streams: readonly StreamPlan[],
  hosts: readonly string[],
  random: Random,
): RunFault {
  const at = chooseMoment(streams, random);
  const host = random.pick(hosts);
  const stream = random.between(0, streams.length - 1);
  const pieces = streams[stream]?.contents[host]?.pieces ?? 1;
  const tool = { host, stream, piece: random.between(0, pieces) };
  const resumeAfterMs = random.chance(0.7) ? random.between(0, 2000) : undefined;
  const hangs = kind === "restore" ? { ...tool, ...BEFORE_THE_END } : tool;
  const faults: RunFault[] = [
    { kind: "tool exits", ...tool },
    { kind: "tool killed", ...tool },
    { kind: "tool hangs", ...hangs },
    { kind: "interrupted", at, signal: random.pick(["SIGINT", "SIGTERM"] as const) },
    { kind: "controller killed", at, resumeAfterMs: kind === "backup" ? resumeAfterMs : undefined },
    { kind: "second run", at },
  ];
  if (kind === "restore") return random.pick(faults);
  const again = faults.filter((fault) => fault.kind === "controller killed");
  return random.pick([...faults, ...again, { kind: "full disk" }, { kind: "unwritable target" }]);
}

function chooseHostFaults(run: RunPlan, hosts: readonly string[], random: Random): HostFault[] {
  const isStruck = random.chance(0.65) ? 1 : 0;
  const count = isStruck + (random.chance(0.15) ? 1 : 0);
  const first = random.between(0, hosts.length - 1);
  return Array.from({ length: count }, (_, index) => {
    const host = hosts[(first + index) % hosts.length] ?? "";
    return { host, at: chooseMoment(run.streams, random), ...chooseHostFault(run, random) };
  });
}

function chooseHostFault(run: RunPlan, random: Random): Omit<HostFault, "host" | "at"> {
  const kind = random.pick(HOST_FAULTS);
  if (kind === "connection cut") {
    return { kind, times: random.between(1, 4), forMs: random.between(100, 1500) };
  }
  // About a third of the short leases run out meanwhile.
  const longest = Math.min(2 * run.settings.leaseMs, 8000);
  return { kind, times: 1, forMs: random.between(300, longest) };
}

/** Mostly in mid-stream: what is stored is no more than what is written. */
function chooseMoment(streams: readonly StreamPlan[], random: Random): Moment {
  if (random.chance(0.4)) return { ms: random.between(0, 3000) };
  return { bytes: Math.floor(bytesOf(streams) * random.next() * 0.7) };
}
