import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SmallDisk } from "../harness/small-disk.ts";
import type { Ground } from "./ground.ts";
import type { RunPlan } from "./round-plan.ts";

const SMALL_DISK_MIB = 4;

type Targets = Readonly<Record<string, { readonly url: string }>>;

/** Where the runs of a round store, beside the plans' own targets. */
export interface Places extends AsyncDisposable {
  /** Without faults that this user cannot bring about. */
  readonly runs: readonly RunPlan[];
  /** Further targets that can be used, for `penstock.yaml`. */
  readonly usable: Targets;
  /** Those that cannot be written to. */
  readonly blocked: Targets;
  /** Folders to look for half-written objects in. */
  readonly stores: readonly string[];
}

/** The name of a run's target; see Places. */
export function targetOf({ fault, plan }: RunPlan): string {
  if (fault?.kind === "full disk") return "small";
  return fault?.kind === "unwritable target" ? "blocked" : plan;
}

/**
 * Makes a small disk, if a run is to fill one, for the commands that are started until this is disposed
 * of. Where this user may mount none, the run has to do without its fault.
 */
export async function preparePlaces(
  ground: Ground,
  runs: readonly RunPlan[],
  signal: AbortSignal,
): Promise<Places> {
  const folder = join(ground.dir, "small-disk");
  const isWanted = runs.some((run) => targetOf(run) === "small");
  const disk = isWanted ? await SmallDisk.mount(folder, SMALL_DISK_MIB, signal) : undefined;
  ground.launcher = disk?.prefix ?? [];
  const isBlocked = runs.some((run) => targetOf(run) === "blocked");
  const blocker = join(ground.dir, "blocker");
  await writeFile(blocker, ""); // not even root can make a folder below a file
  return {
    runs: disk === undefined ? runs.map(withoutDisk) : runs,
    usable: disk === undefined ? {} : { small: { url: `file://${folder}/store` } },
    blocked: isBlocked ? { blocked: { url: `file://${blocker}/store` } } : {},
    stores: disk === undefined ? [] : [join(disk.view, "store")],
    async [Symbol.asyncDispose]() {
      ground.launcher = [];
      await disk?.[Symbol.asyncDispose]();
    },
  };
}

function withoutDisk(run: RunPlan): RunPlan {
  return targetOf(run) === "small" ? { ...run, fault: undefined } : run;
}
