import { Failure } from "./failure.ts";
import { Link } from "./link.ts";
import type { Options } from "./options.ts";

/** What gpbackup says when it sets the plugin up. */
export interface SetupCall {
  readonly kind: "backup" | "restore";
  /** The folder of the backup on this host: its last part is the timestamp. */
  readonly directory: string;
  /** `master` or `coordinator`, `segment_host`, `segment`. */
  readonly scope: string;
}

/**
 * Returns when a run of the plan takes the data. If there is none, and this is the first call of a
 * gpbackup or gprestore, one is opened for it. May be repeated, also at the same time.
 */
export async function setup(options: Options, call: SetupCall): Promise<void> {
  try {
    await askSetup(options);
  } catch (error) {
    const isFirst = call.scope === "master" || call.scope === "coordinator";
    if (!isFirst || !(error instanceof Failure) || error.code !== "not_found") throw error;
    const { openSet } = await import("./open-set.ts"); // rarely needed, and slow to load
    await openSet(options, call, () => askSetup(options));
  }
}

/** Throws a Failure, `not_found` if there is no run of the plan. */
async function askSetup({ socket, plan }: Options): Promise<void> {
  await new Link(socket, { plan, command: "setup" }).done();
}
