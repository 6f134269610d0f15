/** What the tests of this package share: temporary folders and real child processes. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { makeFifo } from "./fifo.ts";

/** A folder that is removed at the end of the test. */
export async function createFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await realpath(await mkdtemp(join(tmpdir(), "penstock-test-")));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

/** A named pipe in a folder of its own, which is removed at the end of the test. */
export async function createPipe(): Promise<{ readonly path: string } & AsyncDisposable> {
  const folder = await createFolder();
  const path = join(folder.path, "pipe");
  await makeFifo(path, 0o600);
  return { path, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

/** How a child ended. */
export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process of a test, in its own group; the group is killed at the end of the test. */
export class TestChild implements AsyncDisposable {
  readonly pid: number;
  readonly exited: Promise<ChildEnd>;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(program: string, args: readonly string[]) {
    this.#child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"], detached: true });
    if (this.#child.pid === undefined || this.#child.stdout === null) throw new Error(program);
    this.pid = this.#child.pid;
    this.exited = new Promise((resolve) => {
      this.#child.once("exit", (code, signal) => resolve({ code, signal }));
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** The next line that the child says. */
  async line(): Promise<string> {
    const { done, value } = await this.#lines.next();
    if (done) throw new Error("the child says no more");
    return value;
  }

  /** Says a line to the child. */
  say(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      process.kill(-this.pid, "SIGKILL");
    } catch {
      // The whole group is gone already.
    }
    await this.exited;
  }
}

/** A shell script; its arguments are `$1` and so on. */
export function shell(script: string, ...args: string[]): TestChild {
  return new TestChild("/bin/sh", ["-c", script, "sh", ...args]);
}

/** A module that may import the sources of this package as `${SOURCES}/x.ts`. */
export function nodeModule(source: string, ...args: string[]): TestChild {
  const flags = ["--conditions=source", "--input-type=module", "-e", source, "--"];
  return new TestChild(process.execPath, [...flags, ...args]);
}

/** Where the sources of this package are. */
export const SOURCES: string = import.meta.dirname;

/** True while a process waits for something. */
export async function isWaiting(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")")).startsWith(") S ");
}
