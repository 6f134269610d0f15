import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { isErrno, PenstockError, raceAbort, toError } from "@penstock/common";
import { LineRate } from "./line-rate.ts";
import { SHORT_TAIL, type TailLimits } from "./line-tail.ts";
import { groupIsGone, signalGroup } from "./process-group.ts";
import type { GroupWatch } from "./run-keepers.ts";
import { toolEnvironment } from "./tool-environment.ts";
import { ToolOutput } from "./tool-output.ts";
import { assertStartable, stopSignalOf, type ToolSpec } from "./tool-spec.ts";

const STOP_GRACE_MS = 5000;
/** A killed process that is still there after this waits for something that may never come. */
const KILL_LIMIT_MS = 10_000;
/** Grandchildren may hold stderr open after the tool has exited. */
const DRAIN_LIMIT_MS = 1000;
/** Well below the time in which process numbers come round. */
const STRAGGLER_POLL_MS = 200;

/** How a process ended. Exactly one of `exitCode` and `signal` is there. */
interface ToolEnd {
  readonly exitCode?: number;
  readonly signal?: NodeJS.Signals;
}

/** How a tool ended, and what it said last. */
export interface ToolExit extends ToolEnd {
  /** The last lines of standard error: at most 8 KiB and 50 lines. */
  readonly stderrTail: string;
  /** The same of standard output, as much as was asked for; empty if that is a stream. */
  readonly stdoutTail: string;
}

/** What a tool says, on its way to the last lines and to the log. */
interface Said {
  readonly stderr: ToolOutput;
  readonly stdout: ToolOutput | undefined;
  readonly rate: LineRate;
}

/**
 * Starts a program as the leader of its own process group, never through a shell. Returns once it
 * runs; throws `usage` if it cannot be started so, and `failed` if the system cannot start it.
 * Takes over the descriptors of the specification: on every path they are closed here.
 * `watch` learns of the group before anything else can happen.
 */
export async function startTool(spec: ToolSpec, watch: GroupWatch): Promise<Tool> {
  const fds = [spec.stdin, spec.stdout].filter((fd) => fd !== undefined);
  try {
    assertStartable(spec);
    const rate = new LineRate(spec.onLine ?? (() => {}));
    const open = async (limits: TailLimits): Promise<ToolOutput> => {
      const output = await ToolOutput.open((line) => rate.push(line), limits);
      fds.push(output.fd);
      return output;
    };
    const stderr = await open(SHORT_TAIL);
    const stdout =
      spec.stdout === undefined ? await open(spec.stdoutTail ?? SHORT_TAIL) : undefined;
    const stdio = [spec.stdin ?? "ignore", spec.stdout ?? stdout?.fd, stderr.fd] as const;
    const child = await spawnTool(spec, stdio, watch);
    return new Tool(child, spec, watch, { stdout, stderr, rate });
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

/**
 * A running tool and its process group. Dispose it when the run is over: what is left of the group
 * is then killed.
 */
export class Tool implements AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  /**
   * Resolves when the process has exited and its output is read; but at most a second after the
   * exit, since others may hold its output open. Never rejects.
   */
  readonly exited: Promise<ToolExit>;
  readonly #child: ChildProcess;
  readonly #stopSignal: NodeJS.Signals;
  readonly #stopAlone: boolean;
  readonly #stopGraceMs: number;
  readonly #watch: GroupWatch;
  readonly #end: Promise<ToolEnd>;
  #gone = false;

  /** Use `startTool`. */
  constructor(child: ChildProcess, spec: ToolSpec, watch: GroupWatch, said: Said) {
    if (child.pid === undefined) throw new PenstockError("internal", "tool without a process");
    this.name = spec.name;
    this.pid = child.pid;
    this.#child = child;
    this.#stopSignal = stopSignalOf(spec);
    this.#stopAlone = spec.stopAlone ?? false;
    this.#stopGraceMs = spec.stopGraceMs ?? STOP_GRACE_MS;
    this.#watch = watch;
    this.#end = endOf(child);
    this.exited = this.#outcome(said);
  }

  /**
   * Asks the tool to stop, and kills it when its grace is over or `signal` aborts; one that is to stop
   * alone is asked without its children, which are killed when it has ended. Resolves when no process of
   * its group is left. Throws `failed` if one survives SIGKILL for 10 s. Repeatable.
   */
  async stop(signal: AbortSignal): Promise<void> {
    if (this.#gone) return;
    if (this.#stopAlone) this.#child.kill(this.#stopSignal);
    else signalGroup(this.pid, this.#stopSignal);
    // Not AbortSignal.timeout: Node may collect one that is held by a combination only, and who looks
    // at it now and then, without listening, would wait for ever.
    const grace = new AbortController();
    const timer = setTimeout(() => grace.abort(), this.#stopGraceMs);
    const either = AbortSignal.any([signal, grace.signal]);
    const isGone = this.#stopAlone
      ? await raceAbort(this.#end, either).then(
          () => false,
          () => false,
        )
      : await this.#isGone(either);
    clearTimeout(timer);
    if (!isGone) await this.kill();
  }

  /** Kills the tool and what is left of its group at once; otherwise like `stop`. */
  async kill(): Promise<void> {
    if (this.#gone) return;
    signalGroup(this.pid, "SIGKILL");
    if (await this.#isGone(AbortSignal.timeout(KILL_LIMIT_MS))) return;
    throw new PenstockError("failed", `tool ${this.name}: process group ${this.pid} does not die`);
  }

  /** The same as `kill`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #outcome({ stdout, stderr, rate }: Said): Promise<ToolExit> {
    const end = await this.#end;
    void this.#followStragglers();
    const [stderrTail, stdoutTail = ""] = await Promise.all([
      stderr.drain(DRAIN_LIMIT_MS),
      stdout?.drain(DRAIN_LIMIT_MS),
    ]);
    rate.end();
    return { ...end, stderrTail, stdoutTail };
  }

  /** Waits until the process has exited and its group is empty; false if the signal aborts before. */
  async #isGone(signal: AbortSignal): Promise<boolean> {
    const exited = await raceAbort(this.#end, signal).catch(() => undefined);
    if (exited === undefined || !(await groupIsGone(this.pid, signal))) return false;
    this.#setGone();
    return true;
  }

  /** The group's number is free for others once its last process is gone: then forget it. */
  async #followStragglers(): Promise<void> {
    while (!this.#gone && signalGroup(this.pid, 0)) {
      await pause(STRAGGLER_POLL_MS, undefined, { ref: false });
    }
    this.#setGone();
  }

  #setGone(): void {
    if (!this.#gone) this.#watch.forget(this.pid);
    this.#gone = true;
  }
}

async function spawnTool(
  spec: ToolSpec,
  stdio: readonly [number | "ignore", number | undefined, number],
  watch: GroupWatch,
): Promise<ChildProcess> {
  try {
    const child = spawn(spec.path, spec.args, {
      detached: true, // its own process group, and no terminal
      cwd: spec.cwd ?? "/",
      env: toolEnvironment(spec.env),
      stdio: [...stdio],
    });
    if (child.pid !== undefined) watch.watch(child.pid);
    await started(child);
    return child;
  } catch (error) {
    throw startFailure(spec, error);
  }
}

function started(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
}

function endOf(child: ChildProcess): Promise<ToolEnd> {
  return new Promise((resolve) => {
    child.once("exit", (exitCode, signal) => {
      resolve(signal === null ? { exitCode: exitCode ?? 0 } : { signal });
    });
  });
}

function startFailure(spec: ToolSpec, error: unknown): PenstockError {
  const message = `start tool ${spec.name}: ${spec.path}: ${reasonOf(error)}`;
  return new PenstockError("failed", message, { cause: error });
}

function reasonOf(error: unknown): string {
  if (isErrno(error, "ENOENT")) return "no such program";
  if (isErrno(error, "EACCES")) return "not an executable program";
  return toError(error).message;
}
