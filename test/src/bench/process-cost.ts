import { readFileSync } from "node:fs";

/** Linux reports process times to user space in hundredths of a second on every architecture. */
const TICKS_PER_SECOND = 100;

/** CPU time in seconds, user and system, of a process and of the descendants it has waited for. */
export function cpuSeconds(pid: number): number {
  const [utime, stime, cutime, cstime] = times(pid);
  return (utime + stime + cutime + cstime) / TICKS_PER_SECOND;
}

/** CPU time in seconds of this process's own children that have ended, with their descendants. */
export function endedChildrenCpuSeconds(): number {
  const [, , cutime, cstime] = times(process.pid);
  return (cutime + cstime) / TICKS_PER_SECOND;
}

/** The largest resident set that a process has had, in bytes; 0 if it is gone. */
export function peakBytes(pid: number): number {
  return statusBytes(pid, /^VmHWM:\s+(\d+) kB$/m);
}

/** The resident set of a process at this moment, in bytes; 0 if it is gone. */
export function residentBytes(pid: number): number {
  return statusBytes(pid, /^VmRSS:\s+(\d+) kB$/m);
}

/** A process and everything below it, as far as it is still there. */
export function processTree(pid: number): number[] {
  const children = readProc(`${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
  return [pid, ...children.flatMap(processTree)];
}

function statusBytes(pid: number, field: RegExp): number {
  return Number(field.exec(readProc(`${pid}/status`))?.[1] ?? 0) * 1024;
}

/** utime, stime, cutime and cstime of proc_pid_stat(5), in ticks. Throws if the process is gone. */
function times(pid: number): [number, number, number, number] {
  const stat = readProc(`${pid}/stat`);
  if (stat === "") throw new Error(`process ${pid} is gone`);
  // The name in parentheses may hold anything; behind it comes field 3.
  const fields = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(14 - 3, 18 - 3);
  return [utime, stime, cutime, cstime];
}

/** "" if the process is gone: it may end at any moment. */
function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, "utf8");
  } catch {
    return "";
  }
}
