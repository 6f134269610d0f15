import { isNameTaken, nameTaken, PenstockError, systemClock } from "@penstock/common";
import { toDocument } from "../catalogue/documents.ts";
import { setKeys, toSetName } from "../catalogue/keys.ts";
import { setNames } from "../catalogue/set-names.ts";
import { listRunFolders } from "../runs/run-folder.ts";
import { putOnce } from "../targets/put-once.ts";
import type { Target } from "../targets/target.ts";
import type { RunContext } from "./context.ts";
import { Session } from "./session.ts";

/** More sets in a row than a cluster begins in as many seconds. */
const NAME_TRIES = 30;
const NEXT_NAME_MS = 1_000;

/** Opens a session under a name that no other set of the cluster has. */
export async function beginSet(context: RunContext, signal: AbortSignal): Promise<Session> {
  const taken = new Set<string>();
  for (const { target } of context.targets) {
    for (const name of await setNames(target, context.cluster, signal)) taken.add(name);
  }
  const folders = await listRunFolders(context.runDirectory, context.cluster).catch(() => []);
  for (const { run } of folders) taken.add(run);
  for (let tries = 0; tries < NAME_TRIES; tries++) {
    const set = toSetName(new Date());
    const session = taken.has(set) ? undefined : await openUnlessTaken(context, set, signal);
    if (session !== undefined) return session;
    await systemClock.delay(NEXT_NAME_MS, signal);
  }
  throw new PenstockError("failed", `no free name for a set of cluster ${context.cluster}`);
}

/** Opens a session under this name. Throws `locked` if another set of the cluster has it. */
export async function beginNamed(
  context: RunContext,
  set: string,
  signal: AbortSignal,
): Promise<Session> {
  for (const { target } of context.targets) {
    const names = new Set(await setNames(target, context.cluster, signal));
    if (names.has(set)) throw new PenstockError("locked", `set ${set} exists on ${target.url}`);
  }
  const session = await openUnlessTaken(context, set, signal);
  if (session === undefined) throw new PenstockError("locked", `a run ${set} is going on already`);
  return session;
}

/**
 * The set's first object on every target: who began it, and when. Writing the same again is harmless.
 * Throws an error for which `isNameTaken` is true if another run has taken the name; then nothing is
 * left of ours.
 */
export async function writeStarted(
  context: RunContext,
  session: Session,
  startedAt: Date,
): Promise<void> {
  const { cluster, plan, producerType: producer } = context;
  const { run: set } = session.ref;
  const hosts = context.agents.map((agent) => agent.name);
  const started = {
    formatVersion: 1,
    set,
    cluster,
    plan,
    producer,
    startedAt: startedAt.toISOString(),
    hosts,
  } as const;
  const { started: key } = setKeys(cluster, set);
  const body = toDocument(started);
  const taken: Target[] = [];
  for (const { target } of context.targets) {
    if (!(await putOnce(target, key, body, session.signal))) {
      for (const other of taken) await other.remove(key, session.signal);
      throw nameTaken(`set ${set} exists on ${target.url}`);
    }
    taken.push(target);
  }
}

/** `undefined` if an agent already has a run of this name. */
async function openUnlessTaken(
  context: RunContext,
  run: string,
  signal: AbortSignal,
): Promise<Session | undefined> {
  try {
    return await Session.open({ ...context, run }, signal);
  } catch (error) {
    if (isNameTaken(error)) return undefined;
    throw error;
  }
}
