import { hasCode, type Manifest, PenstockError, sizesOf } from "@penstock/common";
import { inBatches } from "../in-batches.ts";
import type { Target } from "../targets/target.ts";
import { readManifestAt, readStartedAt } from "./documents.ts";
import { isSetName, setKeys } from "./keys.ts";
import { newestFirst } from "./newest-first.ts";
import { setNames } from "./set-names.ts";

/** One line of `penstock list`. */
export interface SetSummary {
  readonly set: string;
  readonly plan: string;
  readonly cluster: string;
  readonly producer: string;
  readonly status: "running" | "committed" | "failed";
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly bytesRaw: number;
  readonly bytesStored: number;
  readonly streams: number;
  /** The target's name in the configuration. */
  readonly target: string;
}

/** A target with the name that the configuration gives it. */
export interface NamedTarget {
  readonly name: string;
  readonly target: Target;
}

/** A set where it lies. */
export interface FoundSet<T extends NamedTarget> {
  readonly manifest: Manifest;
  readonly target: T;
}

/** True if a run of this set is going on somewhere: its agents know. */
export type IsRunning = (set: string, hosts: readonly string[]) => Promise<boolean>;

/** What is on the targets of a cluster. */
export interface SetList {
  /** The one that has begun last first. */
  readonly sets: readonly SetSummary[];
  /** An error for each set of which it cannot be said what it is. */
  readonly damaged: readonly PenstockError[];
}

/** All sets of a cluster on the targets. There is no other catalogue. */
export async function listSets(
  targets: readonly NamedTarget[],
  cluster: string,
  isRunning: IsRunning,
  signal: AbortSignal,
): Promise<SetList> {
  const sets: SetSummary[] = [];
  const damaged: PenstockError[] = [];
  const add = async (target: NamedTarget, set: string): Promise<void> => {
    try {
      const summary = await summarize(target, cluster, set, isRunning, signal);
      if (summary !== undefined) sets.push(summary);
    } catch (error) {
      if (!hasCode(error, "damaged")) throw error;
      damaged.push(error);
    }
  };
  const lists = targets.map(async (target) => {
    const names = await setNames(target.target, cluster, signal);
    const addAll = (batch: readonly string[]): Promise<unknown[]> =>
      Promise.all(batch.map((set) => add(target, set)));
    await inBatches(names, addAll);
  });
  await Promise.all(lists);
  sets.sort(byNewest);
  return { sets, damaged };
}

/** A set's name need not be the moment of its beginning. */
function byNewest(a: SetSummary, b: SetSummary): number {
  return (
    Date.parse(b.startedAt) - Date.parse(a.startedAt) ||
    b.set.localeCompare(a.set) ||
    a.target.localeCompare(b.target)
  );
}

/** Throws `failed` for a set of which only finished streams are there. */
export function assertCommitted({ set, status }: Manifest): void {
  if (status === "committed") return;
  throw new PenstockError("failed", `the run of set ${set} has failed: there is no whole set`, {
    hint: "its finished streams can be read with: penstock cat",
  });
}

/**
 * The manifest of a set, or of a failed one what is left of it. `LATEST` is the committed
 * set that has begun last, of one plan if `plan` is given. Throws `not_found`.
 */
export async function findSet<T extends NamedTarget>(
  targets: readonly T[],
  cluster: string,
  set: string,
  plan: string | undefined,
  signal: AbortSignal,
): Promise<FoundSet<T>> {
  if (set === "LATEST") return await findLatest(targets, cluster, plan, signal);
  if (!isSetName(set)) {
    throw new PenstockError("usage", `${set} is not the name of a set`, {
      hint: "a set's name is YYYYMMDDHHMMSS or LATEST; see: penstock list",
    });
  }
  for (const read of [readEnded, readUnended]) {
    for (const target of targets) {
      const manifest = await read(target.target, cluster, set, signal);
      if (manifest !== undefined) return { manifest, target };
    }
  }
  throw notFound(`set ${set}`, targets, cluster);
}

async function findLatest<T extends NamedTarget>(
  targets: readonly T[],
  cluster: string,
  plan: string | undefined,
  signal: AbortSignal,
): Promise<FoundSet<T>> {
  for (const { set, target } of await newestFirst(targets, cluster, signal)) {
    const { manifest: key } = setKeys(cluster, set);
    const manifest = await readManifestAt(target.target, key, signal);
    if (manifest === undefined) continue;
    if (plan === undefined || manifest.plan === plan) return { manifest, target };
  }
  throw notFound(
    plan === undefined ? "committed set" : `committed set of plan ${plan}`,
    targets,
    cluster,
  );
}

async function readEnded(
  target: Target,
  cluster: string,
  set: string,
  signal: AbortSignal,
): Promise<Manifest | undefined> {
  const keys = setKeys(cluster, set);
  return (
    (await readManifestAt(target, keys.manifest, signal)) ??
    (await readManifestAt(target, keys.failed, signal))
  );
}

/** What `started.json` tells about a set without an end, in the form of a failed one. */
async function readUnended(
  target: Target,
  cluster: string,
  set: string,
  signal: AbortSignal,
): Promise<Manifest | undefined> {
  const started = await readStartedAt(target, setKeys(cluster, set).started, signal);
  if (started === undefined) return undefined;
  const { hosts: _, ...known } = started;
  const error = "no end was recorded: its controller is still running, or was killed";
  return { ...known, status: "failed", endedAt: started.startedAt, error, streams: [] };
}

async function summarize(
  { name, target }: NamedTarget,
  cluster: string,
  set: string,
  isRunning: IsRunning,
  signal: AbortSignal,
): Promise<SetSummary | undefined> {
  const ended = await readEnded(target, cluster, set, signal);
  if (ended !== undefined) {
    const { plan, producer, status, startedAt, endedAt, streams } = ended;
    const counted = { ...sizesOf(streams), streams: streams.length, target: name };
    return { set, plan, cluster, producer, status, startedAt, endedAt, ...counted };
  }
  const started = await readStartedAt(target, setKeys(cluster, set).started, signal);
  if (started === undefined) return undefined;
  const { plan, producer, startedAt, hosts } = started;
  const status = (await isRunning(set, hosts)) ? "running" : "failed";
  const counted = { endedAt: null, bytesRaw: 0, bytesStored: 0, streams: 0, target: name };
  return { set, plan, cluster, producer, status, startedAt, ...counted };
}

function notFound(what: string, targets: readonly NamedTarget[], cluster: string): PenstockError {
  const places = targets.map(({ target }) => target.url).join(", ");
  return new PenstockError("not_found", `no ${what} of cluster ${cluster} on ${places}`, {
    hint: "see: penstock list",
  });
}
