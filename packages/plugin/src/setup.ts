import { setTimeout as pause } from "node:timers/promises";
import { isFailure } from "./failure.ts";
import { Link } from "./link.ts";
import type { Options } from "./options.ts";

/** What gpbackup says when it sets the plugin up. */
export interface SetupCall {
  readonly kind: "backup" | "restore";
  /** gpbackup's own name of the backup: 14 digits. */
  readonly timestamp: string;
  /** `master` or `coordinator`, `segment_host`, `segment`. */
  readonly scope: string;
}

/** A run whose gpbackup has just ended takes a moment to end, too. */
const PATIENCE_MS = 5_000;
const POLL_MS = 100;

/**
 * Returns when a run of the plan takes the data. If there is none, and this is the first call of a
 * gpbackup or gprestore, one is opened for it. May be repeated, also at the same time. Throws a Failure
 * with what the plan is in use by if that is another backup or restore.
 */
export async function setup(options: Options, call: SetupCall): Promise<void> {
  const isFirst = call.scope === "master" || call.scope === "coordinator";
  const ask = (): Promise<void> => askSetup(options, call);
  try {
    await (isFirst ? askPatiently(ask) : ask());
  } catch (error) {
    if (!isFirst || !isFailure(error, "not_found")) throw error;
    const { openSet } = await import("./open-set.ts"); // rarely needed, and slow to load
    await openSet(options, call, ask);
  }
}

async function askPatiently(ask: () => Promise<void>): Promise<void> {
  for (const deadlineMs = performance.now() + PATIENCE_MS; ; await pause(POLL_MS)) {
    try {
      return await ask();
    } catch (error) {
      if (!isFailure(error, "locked") || performance.now() > deadlineMs) throw error;
    }
  }
}

/** Throws a Failure: `not_found` if there is no run of the plan, `locked` if it is there for another. */
async function askSetup({ socket, plan }: Options, { kind, timestamp }: SetupCall): Promise<void> {
  const link = await Link.open(socket, { plan, command: "setup", kind, timestamp });
  await link.done();
}
