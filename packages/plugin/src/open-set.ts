import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Failure, isFailure } from "./failure.ts";
import type { Options } from "./options.ts";
import type { SetupCall } from "./setup.ts";

const POLL_MS = 50;
/** To reach all agents; the program itself gives up sooner. */
const LIMIT_MS = 300_000;
const MOST_WORDS_BYTES = 64 * 1024;

/**
 * Starts the program that holds a set open for as long as gpbackup or gprestore goes on, and waits until
 * `ask` succeeds. It outlives us. Throws a Failure with what it says if it ends before.
 */
export async function openSet(
  { penstock, config, plan }: Options,
  { kind, timestamp }: SetupCall,
  ask: () => Promise<void>,
): Promise<void> {
  const what = ["gpbackup", kind, plan, "--timestamp", timestamp];
  const args = [...what, "--client-pid", String(clientPid()), "--config", config];
  const words = openWords();
  const child = spawn(penstock, args, {
    detached: true,
    stdio: ["ignore", "ignore", words],
  });
  try {
    await isThere(child, words, ask);
  } catch (error) {
    child.kill(); // nobody would use what it opens
    throw error;
  } finally {
    closeSync(words);
    child.unref();
  }
}

/** Runs the program that deletes the set of a backup. Throws a Failure with what it says. */
export async function deleteBackup(
  { penstock, config, plan }: Options,
  timestamp: string,
): Promise<void> {
  const args = ["gpbackup", "delete", plan, "--timestamp", timestamp, "--config", config];
  const words = openWords();
  const child = spawn(penstock, args, { stdio: ["ignore", "ignore", words] });
  const status = await ended(child);
  if (status !== 0) throw toFailure(penstock, status, words);
}

async function isThere(
  child: ChildProcess,
  words: number,
  ask: () => Promise<void>,
): Promise<void> {
  let outcome: number | string | undefined;
  void ended(child).then((status) => {
    outcome = status;
  });
  const deadlineMs = performance.now() + LIMIT_MS;
  while (performance.now() < deadlineMs) {
    if (await succeeds(ask)) return;
    if (outcome !== undefined) throw toFailure(child.spawnfile, outcome, words);
    await pause(POLL_MS);
  }
  throw new Failure(`${child.spawnfile} has opened no set within ${LIMIT_MS / 1000} s`);
}

async function succeeds(ask: () => Promise<void>): Promise<boolean> {
  try {
    await ask();
    return true;
  } catch (error) {
    if (isFailure(error, "not_found")) return false;
    throw error;
  }
}

/** The exit status, or what has kept it from one. */
function ended(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (status, signal) => resolve(status ?? `${signal}`));
  });
}

/** What the program says on its standard error: a file without a name, since it outlives us. */
function openWords(): number {
  const folder = mkdtempSync(join(tmpdir(), "penstock-plugin-"));
  try {
    return openSync(join(folder, "words"), "w+", 0o600);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function toFailure(program: string, outcome: number | string, words: number): Failure {
  const bytes = Buffer.alloc(MOST_WORDS_BYTES);
  const said = bytes
    .subarray(0, readSync(words, bytes, 0, bytes.length, 0))
    .toString()
    .trim();
  return new Failure(said || `${program} has ended: ${outcome}`);
}

/** Who waits for the set: gpbackup starts us through a shell, which may have stepped aside. */
function clientPid(): number {
  let pid = process.ppid;
  for (;;) {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const end = stat.lastIndexOf(")");
    if (!SHELLS.has(stat.slice(stat.indexOf("(") + 1, end))) return pid;
    pid = Number(stat.slice(end + 2).split(" ")[1]);
  }
}

const SHELLS: ReadonlySet<string> = new Set(["bash", "sh", "dash"]);
