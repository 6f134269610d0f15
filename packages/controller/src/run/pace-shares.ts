import type { BytesPerSecond } from "@penstock/common";

/** What may not be exceeded: by all streams of a run together, by those of one host, by each. */
export interface PaceLimits {
  readonly run: BytesPerSecond | undefined;
  readonly host: BytesPerSecond | undefined;
  readonly stream: BytesPerSecond | undefined;
}

/** A stream that wants its share. */
export interface Claim {
  readonly host: string;
  /** What it can use; infinite for as much as it gets. */
  readonly demand: BytesPerSecond;
}

/** True if there is anything to share out. */
export function isLimited({ run, host, stream }: PaceLimits): boolean {
  return run !== undefined || host !== undefined || stream !== undefined;
}

/**
 * Each stream's share: max-min fair. Who wants less than an equal part gets what it wants, and the
 * others share the rest, on each host and in the run. What nobody wants is shared out equally on
 * top, so that a stream that suddenly wants more has it at once. No limit is ever exceeded; without
 * any limit all shares are infinite.
 */
export function shareOut(limits: PaceLimits, claims: readonly Claim[]): BytesPerSecond[] {
  if (!isLimited(limits)) return claims.map(() => Number.POSITIVE_INFINITY);
  const hosts = Map.groupBy(claims.keys(), (index) => claims[index]?.host ?? "");
  const room = {
    run: limits.run ?? Number.POSITIVE_INFINITY,
    hosts: new Map(
      [...hosts.keys()].map((name) => [name, limits.host ?? Number.POSITIVE_INFINITY]),
    ),
  };
  const most = limits.stream ?? Number.POSITIVE_INFINITY;
  const wanted = fillAll(
    claims.map(({ demand }) => Math.min(demand, most)),
    hosts,
    room,
  );
  const spare = fillAll(
    wanted.map((share) => most - share),
    hosts,
    roomBeside(wanted, hosts, room),
  );
  return wanted.map((share, index) => share + at(spare, index));
}

/** The claims of each host, by their place in the list. */
type Hosts = ReadonlyMap<string, readonly number[]>;

/** What there is to share out. */
interface Room {
  readonly run: number;
  readonly hosts: ReadonlyMap<string, number>;
}

/** Hosts first: what one cannot use is there for the others. */
function fillAll(caps: readonly number[], hosts: Hosts, room: Room): number[] {
  const within = [...caps];
  for (const [host, members] of hosts) {
    const shares = fill(
      room.hosts.get(host) ?? 0,
      members.map((index) => at(caps, index)),
    );
    for (const [place, index] of members.entries()) within[index] = at(shares, place);
  }
  return fill(room.run, within);
}

function roomBeside(taken: readonly number[], hosts: Hosts, room: Room): Room {
  const rest = (whole: number, members: readonly number[]): number =>
    Math.max(0, whole - members.reduce((sum, index) => sum + at(taken, index), 0));
  return {
    run: rest(room.run, [...taken.keys()]),
    hosts: new Map(
      [...hosts].map(([host, members]) => [host, rest(room.hosts.get(host) ?? 0, members)]),
    ),
  };
}

/** As water fills vessels of these heights: each to the brim or to the one level of all others. */
function fill(limit: number, caps: readonly number[]): number[] {
  let rest = limit;
  let level = Number.POSITIVE_INFINITY;
  for (const [index, cap] of caps.toSorted((a, b) => a - b).entries()) {
    const equal = rest / (caps.length - index);
    if (cap >= equal) {
      level = equal;
      break;
    }
    rest -= cap;
  }
  return caps.map((cap) => Math.min(cap, level));
}

function at(values: readonly number[], index: number): number {
  return values[index] ?? 0;
}
