import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { buffer, text } from "node:stream/consumers";

/** How a plugin process ended. */
export interface PluginEnd {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** A plugin as gpbackup starts it: through a shell, its command line as it is. Killed when disposed of. */
export class PluginProcess implements AsyncDisposable {
  readonly pid: number;
  readonly stdin: Writable;
  readonly end: Promise<PluginEnd>;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;

  constructor(commandLine: string, env: NodeJS.ProcessEnv) {
    // Its standard input is a socket here, for which bash would read ~/.bashrc.
    this.#child = spawn("bash", ["--norc", "-c", commandLine], {
      stdio: "pipe",
      env,
      detached: true,
    });
    if (this.#child.pid === undefined) throw new Error(`bash -c ${commandLine}`);
    this.pid = this.#child.pid;
    this.stdin = this.#child.stdin;
    this.stdin.on("error", () => {}); // it has ended: its status says how
    this.end = this.#collect();
  }

  /** False once it has ended. */
  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  kill(): void {
    this.signal("SIGKILL");
  }

  /** To the process alone. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      process.kill(-this.pid, "SIGKILL");
    } catch {
      // Nobody of its group is left.
    }
    await this.end;
  }

  async #collect(): Promise<PluginEnd> {
    const { stdout, stderr } = this.#child;
    const [output, words] = await Promise.all([
      buffer(stdout),
      text(stderr),
      this.#child.exitCode === null && this.#child.signalCode === null
        ? once(this.#child, "exit")
        : undefined,
    ]);
    const { exitCode: status, signalCode: signal } = this.#child;
    return { status, signal, stdout: output, stderr: words };
  }
}
