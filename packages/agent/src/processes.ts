import { readdirSync, readFileSync, statSync } from "node:fs";
import { isErrno } from "@penstock/common";

/*
 * What /proc says about the processes of this host. It is read at once, not awaited: it lies in
 * memory, and what it says is true for a moment only.
 */

/** A process of this host. */
export interface HostProcess {
  readonly pid: number;
  readonly args: readonly string[];
  /** When it began: Unix time in milliseconds, right to some hundredths of a second. */
  readonly beganMs: number;
}

/** Of /proc, whatever the processor: see sysconf(3). */
const TICKS_PER_S = 100;
/** Where `statOf` says how many ticks after the system a process began. */
const BEGAN_FIELD = 19;

/** The numbers of all processes there are. */
export function processNumbers(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number);
}

/** State, parent, group, … of a process; empty if it has just ended. See proc_pid_stat(5). */
export function statOf(pid: number): string[] {
  const stat = readProc(`${pid}/stat`);
  return stat === undefined ? [] : stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** The processes of our own user but ourselves and those that have started us. */
export function neighbours(): HostProcess[] {
  const own = ownLine();
  const bootMs = Date.now() - 1000 * Number(readProc("uptime")?.split(" ")[0]);
  return processNumbers().flatMap((pid) => {
    if (own.has(pid) || ownerOf(pid) !== process.getuid?.()) return [];
    // A zombie has no arguments, and neither has a thread of the kernel.
    const args = (readProc(`${pid}/cmdline`) ?? "").split("\0").filter((each) => each !== "");
    if (args.length === 0) return [];
    const beganMs = bootMs + (1000 * Number(statOf(pid)[BEGAN_FIELD])) / TICKS_PER_S;
    return [{ pid, args, beganMs }];
  });
}

/** Sends a signal; a process that has just ended, or is not ours to signal, is passed over. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!isErrno(error, "ESRCH") && !isErrno(error, "EPERM")) throw error;
  }
}

/** A file below /proc; `undefined` if the process has ended, or is not ours to look at. */
export function readProc(name: string): string | undefined {
  try {
    return readFileSync(`/proc/${name}`, "utf8");
  } catch {
    return undefined;
  }
}

/** Ourselves, our parent, and so on. */
function ownLine(): Set<number> {
  const line = new Set<number>();
  for (let pid = process.pid; pid > 0 && !line.has(pid); pid = Number(statOf(pid)[1] ?? 0)) {
    line.add(pid);
  }
  return line;
}

function ownerOf(pid: number): number | undefined {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid;
}
