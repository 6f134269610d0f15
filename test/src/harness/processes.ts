import { readdir, readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { untilFound } from "./until.ts";

/** Heartbeats and log lines. */
const IDLE_BYTES = 64 * 1024;

/** A process that is there now. `startedAt` tells it from a later one of the same number. */
export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly startedAt: string;
  /** `R` runs, `S` waits for something, `Z` has ended; see proc_pid_stat(5). */
  readonly state: string;
}

/** Everything that a process has started and that runs, and what those have, and so on. */
export async function descendantsOf(pid: number): Promise<Process[]> {
  const all = await listRunning();
  const below = (parent: number): Process[] =>
    all
      .filter((process) => process.parent === parent)
      .flatMap((child) => [child, ...below(child.pid)]);
  return below(pid);
}

/** One line for each of these processes that still runs. */
export async function stillRunning(processes: readonly Process[]): Promise<string[]> {
  const now = await listRunning();
  const left = processes.filter(({ pid, startedAt }) =>
    now.some((other) => other.pid === pid && other.startedAt === startedAt),
  );
  return await Promise.all(left.map(({ pid }) => describe(pid)));
}

/** One line for each process that runs with this text in its environment or arguments. */
export async function processesWith(text: string): Promise<string[]> {
  const running = await listRunning();
  const described = await Promise.all(
    running.map(async ({ pid }) => {
      const files = ["environ", "cmdline"].map((name) => readProc(pid, name));
      const hasText = (await Promise.all(files)).some((content) => content.includes(text));
      return hasText ? [await describe(pid)] : [];
    }),
  );
  return described.flat();
}

/** Memory of a process that is in RAM now, in bytes. */
export async function residentBytes(pid: number): Promise<number> {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(await readProc(pid, "status"));
  if (match === null) throw new Error(`process ${pid} is not there`);
  return Number(match[1]) * 1024;
}

/** The first child of a process whose arguments match. */
export async function findChild(pid: number, pattern: RegExp): Promise<number | undefined> {
  for (const process of await descendantsOf(pid)) {
    if (pattern.test(await argumentsOf(process.pid))) return process.pid;
  }
  return undefined;
}

/** Resolves when a process waits for something. */
export async function untilWaiting(pid: number, signal: AbortSignal): Promise<void> {
  const isWaiting = async (): Promise<true | undefined> =>
    (await readProcess(pid))?.state === "S" || undefined;
  await untilFound(isWaiting, `process ${pid} to wait`, signal);
}

/** Resolves when a process has neither read nor written anything to speak of for half a second. */
export async function untilIdle(pid: number, signal: AbortSignal): Promise<void> {
  for (let before = -1; ; ) {
    const moved = await movedBytes(pid);
    if (moved - before < IDLE_BYTES && before >= 0) return;
    before = moved;
    await delay(500, undefined, { signal });
  }
}

/** All that a process has read and written so far; see proc_pid_io(5). */
async function movedBytes(pid: number): Promise<number> {
  const io = await readProc(pid, "io");
  const [, read = "0"] = /^rchar: (\d+)$/m.exec(io) ?? [];
  const [, written = "0"] = /^wchar: (\d+)$/m.exec(io) ?? [];
  return Number(read) + Number(written);
}

/** All processes that have not ended; an orphan that has is there until init collects it. */
async function listRunning(): Promise<Process[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map((pid) => readProcess(Number(pid))));
  return found
    .filter((process) => process !== undefined)
    .filter(({ state }) => !/[ZX]/.test(state));
}

async function describe(pid: number): Promise<string> {
  return `process ${pid}: ${await argumentsOf(pid)}`;
}

/** See proc_pid_stat(5): state is field 3, parent 4, start 22. */
async function readProcess(pid: number): Promise<Process | undefined> {
  const stat = await readProc(pid, "stat");
  if (stat === "") return undefined;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state = "", parent = ""] = fields;
  return { pid, parent: Number(parent), startedAt: fields[19] ?? "", state };
}

/** Empty once the process has ended. */
async function readProc(pid: number, file: string): Promise<string> {
  return await readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
}

async function argumentsOf(pid: number): Promise<string> {
  return (await readProc(pid, "cmdline")).replaceAll("\0", " ").trimEnd();
}
