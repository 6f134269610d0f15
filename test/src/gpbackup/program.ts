import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";

/** How a program has ended. */
export interface ProgramEnd {
  /** Undefined if a signal ended it. */
  readonly status: number | undefined;
  readonly stderr: string;
}

/** Where and with what a program runs. */
export interface ProgramOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** `to`: it reads what COPY gives; `from`: it has no input, and COPY reads what it writes. */
  readonly direction: "to" | "from";
}

/** The program of a COPY: a command of bash whose bytes are ours, in a process group of its own. */
export class CopyProgram {
  /** Resolves when it has ended and nobody holds its outputs any more. */
  readonly ended: Promise<ProgramEnd>;
  readonly #handle: ChildProcess;
  readonly #direction: "to" | "from";

  constructor(command: string, { cwd, env, direction }: ProgramOptions) {
    this.#direction = direction;
    const input = direction === "to" ? "pipe" : "ignore";
    const stdio = [input, "pipe", "pipe"] as const;
    this.#handle = spawn("bash", ["-c", command], { cwd, env, detached: true, stdio: [...stdio] });
    this.#handle.stdin?.on("error", () => {}); // shows in the pipeline
    if (direction === "to") this.stdout.resume();
    this.ended = this.#untilEnded();
  }

  get stdin(): Writable {
    return this.#handle.stdin as Writable;
  }

  get stdout(): Readable {
    return this.#handle.stdout as Readable;
  }

  /**
   * Ends it and all that it has started: the reader of a program goes away, so that it ends when it
   * writes, at the latest; one that reads is killed.
   */
  cancel(): void {
    if (this.#direction === "from") this.stdout.destroy();
    this.#signal(this.#direction === "from" ? "SIGPIPE" : "SIGKILL");
  }

  /** Kills it and all that it has started. */
  kill(): void {
    this.#signal("SIGKILL");
  }

  #signal(signal: NodeJS.Signals): void {
    try {
      if (this.#handle.pid !== undefined) process.kill(-this.#handle.pid, signal);
    } catch {
      // Nothing of it is left.
    }
  }

  async #untilEnded(): Promise<ProgramEnd> {
    const closed = once(this.#handle, "exit");
    const stderr = await text(this.#handle.stderr as Readable);
    await closed;
    return { status: this.#handle.exitCode ?? undefined, stderr: stderr.trimEnd() };
  }
}
