import { access, constants } from "node:fs/promises";
import { hasCode, isAbortError, type Manifest, toError } from "@penstock/common";
import type { Reporter } from "../runs/report.ts";
import { noteOutcome } from "./outcome-files.ts";
import { type PlanOutcome, toOutcome } from "./plan-outcome.ts";

/** The plan that is backed up, and where that is noted. */
interface Noting {
  readonly cluster: string;
  readonly plan: string;
  readonly runDirectory: string;
  readonly report: Reporter;
}

/**
 * Does a backup and notes in the run directory whether it was committed or has failed, for whoever watches
 * when no run is there to be asked. It is no failure if somebody cancels it, another run of the plan
 * holds the lock, or it could not even begin as it was asked for. What cannot be noted is warned of, and changes nothing.
 */
export async function notingOutcome(
  context: Noting,
  backup: () => Promise<Manifest>,
): Promise<Manifest> {
  try {
    const manifest = await backup();
    await note(context, toOutcome(manifest));
    return manifest;
  } catch (error) {
    const { cluster, plan } = context;
    const failed = { cluster, plan, failedAt: new Date().toISOString() };
    if (isFailure(error)) await note(context, failed);
    throw error;
  }
}

/** A wrong command line or configuration, too, is for whoever has typed it. */
function isFailure(error: unknown): boolean {
  // Not found: there was nothing to resume.
  const others = ["locked", "not_found", "usage"] as const;
  return !isAbortError(error) && !others.some((code) => hasCode(error, code));
}

/** Never throws. */
async function note({ runDirectory, report }: Noting, outcome: PlanOutcome): Promise<void> {
  try {
    await noteOutcome(runDirectory, outcome);
  } catch (error) {
    if (!(await isWritable(runDirectory))) return; // the run itself has warned of that
    const message = `metrics.prom was not written: ${toError(error).message}`;
    report({ event: "warning", message });
  }
}

async function isWritable(folder: string): Promise<boolean> {
  return await access(folder, constants.W_OK).then(
    () => true,
    () => false,
  );
}
