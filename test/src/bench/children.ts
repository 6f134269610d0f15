import { setTimeout as delay } from "node:timers/promises";
import { Child } from "../harness/child.ts";

const POLL_MS = 5;
const WAIT_LIMIT_MS = 10_000;

/** Runs a program to its end and returns its standard output; throws unless it exits 0. */
export async function runProgram(
  program: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  await using child = await Child.start(program, args, {}, signal);
  return await success(program, child, signal);
}

/**
 * Waits until the child exits 0 and returns its standard output. Throws on any other end, with
 * what it wrote to standard error. The child is killed when the signal aborts.
 */
export async function success(what: string, child: Child, signal: AbortSignal): Promise<string> {
  const kill = (): void => child.killGroup();
  if (signal.aborted) kill();
  signal.addEventListener("abort", kill, { once: true });
  try {
    const outcome = await child.outcome;
    signal.throwIfAborted();
    if (outcome.status === 0) return outcome.stdout;
    const end = outcome.signal ?? `exit status ${outcome.status}`;
    throw new Error(`${what}: ${end}: ${outcome.stderr.slice(-4000).trim()}`);
  } finally {
    signal.removeEventListener("abort", kill);
  }
}

/**
 * Waits for an effect of a child that sends no event, such as a listening socket or a new file.
 * Throws when the child ends first, with what it wrote to standard error, and after ten seconds.
 */
export async function waitForEffect(
  what: string,
  child: Child,
  isThere: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  const ended = new AbortController();
  void child.outcome.then(({ stderr }) => ended.abort(new Error(`${what}: ${stderr.trim()}`)));
  const late = setTimeout(() => ended.abort(new Error(`${what}: not in time`)), WAIT_LIMIT_MS);
  try {
    const either = AbortSignal.any([signal, ended.signal]);
    while (!isThere()) {
      either.throwIfAborted();
      await delay(POLL_MS);
    }
  } finally {
    clearTimeout(late);
  }
}
