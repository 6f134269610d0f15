import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { tracesOn } from "../faults/story.ts";
import { processesWith, stillRunning } from "../harness/processes.ts";
import { untilNone } from "../harness/until.ts";
import { Deadline } from "./deadline.ts";
import type { Ground } from "./ground.ts";

/** How long after the end of a lease something of a dead run may still be there. */
export const AFTER_LEASE_MS = 35_000;

/**
 * What is still there of runs that are over when `limitMs` have passed: pipes, files and processes on
 * the hosts, half-written objects in these folders of targets, processes that work for targets or
 * outlived who started them. Returns as soon as there is nothing: none is good. Each is told once.
 */
export async function leftBehind(
  ground: Ground,
  stores: readonly string[],
  limitMs: number,
  signal: AbortSignal,
): Promise<string[]> {
  let found: string[] = [];
  const look = async (): Promise<string[]> => {
    found = await findLeft(ground, stores);
    return found;
  };
  using limit = new Deadline(limitMs, signal);
  await untilNone(look, limit.signal).catch(() => signal.throwIfAborted());
  ground.orphans.length = 0;
  for (const line of found) ground.reported.add(line);
  return found.map((line) => `left behind: ${line}`);
}

async function findLeft(ground: Ground, stores: readonly string[]): Promise<string[]> {
  const { cluster, orphans } = ground;
  const lists = await Promise.all([
    ...cluster.hosts.map(tracesOn),
    ...stores.map(partialsIn),
    processesWith(`file://${cluster.store}`),
    processesWith(`${cluster.store}/`),
    stillRunning(orphans),
  ]);
  return [...new Set(lists.flat())].filter((line) => !ground.reported.has(line));
}

/** A target's folder for what is not visible yet, with all that is in it. */
async function partialsIn(store: string): Promise<string[]> {
  const area = join(store, ".partial");
  const below = await readdir(area, { recursive: true }).catch(() => undefined); // it is not there
  if (below === undefined) return [];
  return [below.length === 0 ? area : `${area} with ${below.sort().join(", ")}`];
}
