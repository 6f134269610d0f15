import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import type { Readable } from "node:stream";
import { Output } from "./output.ts";

/** How a child process ended. */
export interface Outcome {
  /** Exit status; undefined if a signal ended it. */
  readonly status: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to start a child, and how to end it. */
export interface ChildOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** A program with arguments that turns itself into the command; see Place. */
  readonly launcher?: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
  /** What `dispose` sends first; default SIGTERM. */
  readonly stopSignal?: NodeJS.Signals;
  /** Also called with whatever the child writes, as it comes. */
  readonly onOutput?: (text: string) => void;
}

/** How long a child may take to end after its stop signal before it is killed. */
const STOP_DEADLINE_MS = 30_000;

const kept = new Set<Child>();
process.once("exit", () => {
  for (const child of kept) child.killGroup();
});

/**
 * A real child process that cannot be forgotten: it is ended when it is disposed of and, should
 * that never happen, when this process exits. It leads a process group of its own, so that
 * the terminal's Ctrl-C reaches it only through us, and what it leaves behind can be ended too.
 */
export class Child implements AsyncDisposable {
  readonly pid: number;
  /** What was started, without its arguments. */
  readonly command: string;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Resolves when the process has ended; processes that it started may still be there. */
  readonly exited: Promise<void>;
  /** Resolves when the process has ended and all of its output has been read. */
  readonly outcome: Promise<Outcome>;
  readonly #handle: ChildProcess;
  readonly #stopSignal: NodeJS.Signals;

  private constructor(handle: ChildProcess, pid: number, options: ChildOptions) {
    this.pid = pid;
    this.command = handle.spawnfile;
    this.#handle = handle;
    this.#stopSignal = options.stopSignal ?? "SIGTERM";
    this.stdout = new Output(handle.stdout as Readable, options.onOutput);
    this.stderr = new Output(handle.stderr as Readable, options.onOutput);
    this.exited = once(handle, "exit").then(() => {});
    this.outcome = this.#collectOutcome();
    kept.add(this);
  }

  /** Starts `command`, a path or a name in PATH. Throws if it cannot be started. */
  static async start(
    command: string,
    args: readonly string[],
    options: ChildOptions,
    signal: AbortSignal,
  ): Promise<Child> {
    signal.throwIfAborted();
    const { cwd, env, uid, gid, launcher = [] } = options;
    const [program = command, ...rest] = [...launcher, command, ...args];
    const handle = spawn(program, rest, {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      ...defined({ cwd, env, uid, gid }),
    });
    if (handle.pid === undefined) throw (await once(handle, "error"))[0];
    return new Child(handle, handle.pid, options);
  }

  /** False once the process has ended. */
  get isRunning(): boolean {
    return this.#handle.exitCode === null && this.#handle.signalCode === null;
  }

  /** Sends a signal to the process alone; nothing happens if it has ended. */
  kill(signal: NodeJS.Signals): void {
    if (this.isRunning) sendSignal(this.pid, signal);
  }

  /** Kills the process, if it still runs, and what is left of its group. */
  killGroup(): void {
    // Numbers of processes come round again within minutes: a leader that is not ours has its own group.
    if (this.isRunning || !existsSync(`/proc/${this.pid}`)) sendSignal(-this.pid, "SIGKILL");
  }

  /**
   * Asks the process to end, waits for it, and kills what is left of its group, at once after a
   * deadline of 30 s. Repeating it is harmless.
   */
  async stop(): Promise<Outcome> {
    this.kill(this.#stopSignal);
    const deadline = setTimeout(() => this.killGroup(), STOP_DEADLINE_MS);
    await this.exited;
    clearTimeout(deadline);
    this.killGroup();
    kept.delete(this);
    return await this.outcome;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (kept.has(this)) await this.stop();
  }

  async #collectOutcome(): Promise<Outcome> {
    await Promise.all([this.exited, this.stdout.ended, this.stderr.ended]);
    return {
      status: this.#handle.exitCode ?? undefined,
      signal: this.#handle.signalCode ?? undefined,
      stdout: this.stdout.text,
      stderr: this.stderr.text,
    };
  }
}

/** Stops every child that nobody has disposed of, and names them. None is good. */
export async function stopRemainingChildren(): Promise<string[]> {
  const remaining = [...kept].filter(({ isRunning }) => isRunning);
  const names = remaining.map(({ pid, command }) => `process ${pid}: ${command}`);
  await Promise.all([...kept].map((child) => child.stop()));
  return names;
}

/** Runs a command to its end; it is stopped when the signal aborts. */
export async function run(
  command: string,
  args: readonly string[],
  options: ChildOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  await using child = await Child.start(command, args, options, signal);
  const stop = (): void => void child.stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await child.outcome;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}

/** Without the undefined values, which `spawn` does not take. */
function defined<T extends object>(options: T): SpawnOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
