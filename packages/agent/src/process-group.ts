import { setTimeout as pause } from "node:timers/promises";
import { isErrno } from "@penstock/common";
import { processNumbers, statOf } from "./processes.ts";

const FIRST_POLL_MS = 5;
const LONGEST_POLL_MS = 100;

/**
 * Sends a signal to every process of a group; false if there is none. Signal 0 only asks, and then
 * a zombie counts too: its group's number is not free yet.
 */
export function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-group, signal);
  } catch (error) {
    if (isErrno(error, "ESRCH")) return false;
    if (isErrno(error, "EPERM")) return true; // they have become another user's
    throw error;
  }
}

/**
 * Waits until no process of a group runs; false if the signal aborts before. There is no event for
 * that: the children of our children are not ours.
 */
export async function groupIsGone(group: number, signal: AbortSignal): Promise<boolean> {
  for (let waitMs = FIRST_POLL_MS; isGroupAlive(group); waitMs *= 2) {
    if (signal.aborted) return false;
    await pause(Math.min(waitMs, LONGEST_POLL_MS), undefined, { signal }).catch(() => {});
  }
  return true;
}

/** True if a process of the group runs. Zombies do not: an orphan is one until init collects it. */
export function isGroupAlive(group: number): boolean {
  if (!signalGroup(group, 0)) return false;
  return processNumbers().some((pid) => isRunningIn(pid, group));
}

function isRunningIn(pid: number, group: number): boolean {
  const fields = statOf(pid);
  return fields[2] === `${group}` && fields[0] !== "Z" && fields[0] !== "X";
}
