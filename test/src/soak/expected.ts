import type { Outcome } from "../harness/child.ts";
import { AMPLE_LEASE_MS, type HostFault, type RunFault, type RunPlan } from "./round-plan.ts";

/** Exit status of a command, or the signal that ended it. */
export type Status = number | NodeJS.Signals;

const OK = 0;
const FAILED = 1;
const LOCKED = 5;
const UNREACHABLE = 6;
const NOT_FOUND = 7;
const CANCELLED = { SIGINT: 130, SIGTERM: 143 };

/** How a command ended, in one value. */
export function statusOf({ status, signal }: Outcome): Status {
  return status ?? signal ?? FAILED;
}

/** What hosts go through while a command runs. */
export interface Struck {
  readonly hostFaults: readonly HostFault[];
  /** They wait until the command has its agents: one that only begins gives up at once. */
  readonly isAwaited: boolean;
}

/**
 * What a run may end with under these faults, whether or not they come in time. A fault that cannot
 * fail to prevent success takes away 0; a lease that is ample leaves no other excuse.
 */
export function expectedStatuses(run: RunPlan, struck: Struck): ReadonlySet<Status> {
  const { fault } = run;
  return new Set([
    ...(prevents(fault) ? [] : [OK]),
    ...(isDisturbed(run, struck) ? [FAILED, UNREACHABLE] : []),
    ...statusesOf(fault),
  ]);
}

/** What `backup --resume` may end with after the run's controller was killed. */
export function expectedOfResume(run: RunPlan, hostFaults: Struck["hostFaults"]): Set<Status> {
  const own = expectedStatuses({ ...run, fault: undefined }, { hostFaults, isAwaited: false });
  // Not found: there was nothing to take up yet, or not any more.
  return new Set([...own, NOT_FOUND]);
}

/** What a second run of the plan may end with: only after the first one it may run. */
export function expectedOfSecond(run: RunPlan, hostFaults: Struck["hostFaults"]): Set<Status> {
  return new Set([...expectedStatuses(run, { hostFaults, isAwaited: false }), LOCKED]);
}

function isDisturbed({ settings }: RunPlan, { hostFaults, isAwaited }: Struck): boolean {
  if (settings.leaseMs < AMPLE_LEASE_MS) return true;
  if (!isAwaited) return hostFaults.length > 0;
  return hostFaults.some(({ kind }) => kind === "agent killed");
}

function prevents(fault: RunFault | undefined): boolean {
  if (fault === undefined) return false;
  return "piece" in fault || fault.kind === "unwritable target";
}

function statusesOf(fault: RunFault | undefined): Status[] {
  switch (fault?.kind) {
    case undefined:
    case "second run":
      return [];
    case "controller killed":
      return ["SIGKILL"];
    case "interrupted":
      return [CANCELLED[fault.signal]];
    case "unwritable target":
      return [FAILED, UNREACHABLE];
    default:
      return [FAILED];
  }
}
