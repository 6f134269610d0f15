import { type ChildProcess, spawn } from "node:child_process";
import { toPenstockError } from "@penstock/common";
import { toolEnvironment } from "./tool-environment.ts";

/**
 * Reads what to do; at the end of its input without "dismiss", which means that the agent was
 * killed, it kills the groups it watches. It lives one second longer, holding what it holds: a
 * process that was just killed may run for some microseconds more on another processor.
 */
const SCRIPT = `
trap "" HUP INT QUIT TERM
groups=
while read -r verb group; do
  case $verb in
    watch) groups="$groups $group" ;;
    forget)
      kept=
      for each in $groups; do [ "$each" = "$group" ] || kept="$kept $each"; done
      groups=$kept ;;
    dismiss) exit 0 ;;
  esac
done
for each in $groups; do kill -s KILL -- "-$each"; done
sleep 1
`;

/**
 * A tiny shell of its own session that outlives us. If we are killed, even by SIGKILL, it kills the
 * process groups it was told of, and only then closes the descriptor it was given: a tool that
 * reads from a pipe must be dead before the pipe is closed, or it takes a part for the whole.
 *
 * It holds one descriptor at most, so that the process's own end gives it back; the exit of a child
 * is seen by its parent after its descriptors are closed, and so is the acknowledgement.
 */
export class Keeper {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;

  private constructor(child: ChildProcess, exited: Promise<void>) {
    this.#child = child;
    this.#exited = exited;
  }

  /** Starts a keeper that holds a duplicate of `fd` (if any) as soon as this call has returned. */
  static async start(fd?: number): Promise<Keeper> {
    const child = spawn("/bin/sh", ["-c", SCRIPT, "penstock-keeper"], {
      detached: true,
      cwd: "/",
      env: toolEnvironment({}),
      stdio: ["pipe", "ignore", "ignore", ...(fd === undefined ? [] : [fd])],
    });
    child.stdin?.on("error", () => {}); // a keeper that was killed from outside keeps nothing
    const exited = Promise.withResolvers<void>();
    child.once("exit", () => exited.resolve());
    await started(child);
    return new Keeper(child, exited.promise);
  }

  /**
   * From now on kills this process group if we are killed. The line is in the pipe when this
   * returns, so call it right after the start of the process.
   */
  watch(group: number): void {
    this.#child.stdin?.write(`watch ${group}\n`);
  }

  /** The group is empty, so that its number may soon be another's. */
  forget(group: number): void {
    this.#child.stdin?.write(`forget ${group}\n`);
  }

  /** Ends the keeper without killing anything. Repeating it is harmless. */
  async dismiss(): Promise<void> {
    if (this.#child.stdin?.writable) this.#child.stdin.end("dismiss\n");
    await this.#exited;
  }
}

async function started(child: ChildProcess): Promise<void> {
  try {
    await new Promise((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
  } catch (error) {
    throw toPenstockError(error, "start a keeper");
  }
}
