import { setTimeout as pause } from "node:timers/promises";
import { LOG_FIELD, PenstockError, showArgument } from "@penstock/common";
import { PipeDrain } from "./pipe-drain.ts";
import { type HostProcess, neighbours, signalProcess } from "./processes.ts";

/** What a run may have set going that is not below its tools. */
export interface StraySearch {
  /** Parts of command lines, their arguments joined by blanks. */
  readonly strays: readonly string[];
  /** Pipes at which they may be blocked. */
  readonly pipes: readonly string[];
  /**
   * When the run was alive for the last time, Unix time in milliseconds; now if not given. What others have
   * started between then and now is theirs: a second restore of the same set has the same command lines.
   */
  readonly aliveMs?: number;
}

/** When to lose patience. */
export interface StrayLimits {
  /** From then on SIGKILL instead of SIGTERM. */
  readonly killAfterMs: number;
  readonly limitMs: number;
  /** None was seen for so long: a shell is a moment on its way to what it starts. */
  readonly quietMs: number;
}

/** The part of a logger that is needed here. */
export interface StrayLog {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const LIMITS: StrayLimits = { killAfterMs: 5_000, limitMs: 15_000, quietMs: 250 };
const POLL_MS = 50;

/**
 * Stops the processes of our user whose command line holds one of `strays`, never ourselves and those
 * that have started us: SIGTERM, after 5 s SIGKILL, for 15 s in all. What they write into the pipes
 * meanwhile is thrown away, so that nobody stays blocked in an open or a write; our own readers must be
 * closed before, or they would take what they get for everything. Logs each that was stopped, or was not.
 */
export async function stopStrays(
  { strays, pipes, aliveMs = Number.POSITIVE_INFINITY }: StraySearch,
  log: StrayLog,
  { killAfterMs, limitMs, quietMs }: StrayLimits = LIMITS,
): Promise<void> {
  if (strays.length === 0) return;
  const begunMs = performance.now();
  const isOld = ({ beganMs }: HostProcess): boolean => beganMs <= aliveMs;
  // Unless others are at work, what begins from now on was started by those that are being stopped.
  const isAlone = findStrays(strays).every(isOld);
  const asked = new Map<number, HostProcess>();
  using drain = new PipeDrain(pipes);
  let isLate = false;
  for (let seenMs = 0; ; ) {
    const hasRead = drain.discard();
    const found = findStrays(strays).filter((each) => isAlone || isOld(each));
    const passedMs = performance.now() - begunMs;
    if (found.length > 0) seenMs = passedMs;
    // Also when time is over, and once more looked for after that: we may have stood still ourselves.
    stop(found, asked, passedMs >= killAfterMs);
    const isOver = isLate || passedMs - seenMs >= quietMs;
    if (isOver) return tell(log, [...asked.values()], found);
    isLate = passedMs >= limitMs;
    await pause(hasRead ? 1 : POLL_MS);
  }
}

/**
 * Throws `usage`, at its place, for a part of command lines that could be anybody's: it must hold a name
 * of 14 digits, and something beside it.
 */
export function assertStrays(strays: readonly string[]): void {
  for (const [index, stray] of strays.entries()) {
    if (/[0-9]{14}/.test(stray) && stray.trim().length > 14) continue;
    const message = `processes with ${JSON.stringify(stray)} in their command line are not to be stopped`;
    throw new PenstockError("usage", message, {
      place: { list: "strays", index, field: "" },
      hint: "name a set or key of 14 digits and something before or after it",
    });
  }
}

function findStrays(strays: readonly string[]): HostProcess[] {
  return neighbours().filter(({ args }) => {
    const command = args.join(" ");
    return strays.some((stray) => command.includes(stray));
  });
}

/** Each is asked once, until there is no more patience. */
function stop(
  found: readonly HostProcess[],
  asked: Map<number, HostProcess>,
  isOverdue: boolean,
): void {
  for (const each of found) {
    if (isOverdue) signalProcess(each.pid, "SIGKILL");
    else if (!asked.has(each.pid)) signalProcess(each.pid, "SIGTERM");
    asked.set(each.pid, each);
  }
}

function tell(log: StrayLog, asked: readonly HostProcess[], found: readonly HostProcess[]): void {
  const left = new Set(found.map(({ pid }) => pid));
  for (const { pid, args } of asked) {
    const fields = { [LOG_FIELD.pid]: pid, [LOG_FIELD.command]: args.map(showArgument).join(" ") };
    if (left.has(pid)) log.error(fields, "stray process does not end");
    else log.info(fields, "stray process stopped");
  }
}
