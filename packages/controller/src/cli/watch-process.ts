import { readFile } from "node:fs/promises";
import { isErrno, systemClock, toPenstockError } from "@penstock/common";

const LOOK_EVERY_MS = 500;

/**
 * Resolves when a process of this host is gone: also when another one has its number by now. Throws
 * when the signal aborts.
 */
export async function processGone(pid: number, signal: AbortSignal): Promise<void> {
  const first = await startOf(pid);
  if (first === undefined) return;
  do await systemClock.delay(LOOK_EVERY_MS, signal);
  while ((await startOf(pid)) === first);
}

/** When it was started, in ticks since the machine was; `undefined` if it is gone, or has only its status left. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, "latin1");
    // Its name, in brackets, may hold anything; after it come its state and 18 more fields.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch (error) {
    if (isErrno(error, "ENOENT") || isErrno(error, "ESRCH")) return undefined;
    throw toPenstockError(error, `process ${pid}`);
  }
}
