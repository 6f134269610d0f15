import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { PenstockError, toPenstockError } from "@penstock/common";
import { toolEnvironment } from "./tool-environment.ts";

/**
 * Reads what to do; at the end of its input without "dismiss", which means that the agent was
 * killed, it kills the groups it watches, and whoever else has a pipe open that it holds: a database
 * server may have started it. Only what has a pipe's name is looked at closely: of a file that lies on a
 * dead server every other question would be waited for. It lives one second longer, holding what it holds: a process that was just
 * killed may run for some microseconds more on another processor. Nobody may hear any more what it
 * says, which must not end it: so SIGPIPE is ignored, too.
 */
const SCRIPT = `
trap "" HUP INT PIPE QUIT TERM
groups=
held=$1
while read -r verb what; do
  case $verb in
    watch) groups="$groups $what" ;;
    forget)
      kept=
      for each in $groups; do [ "$each" = "$what" ] || kept="$kept $each"; done
      groups=$kept ;;
    close)
      eval "exec $what>&-"
      kept=
      for each in $held; do [ "$each" = "$what" ] || kept="$kept $each"; done
      held=$kept
      echo "$what" ;;
    dismiss) exit 0 ;;
  esac
done
for each in $groups; do kill -s KILL -- "-$each"; done
for each in $held; do
  link=$(readlink "/proc/$$/fd/$each")
  eval "name$each=\\\${link##*/}"
done
for round in 1 2 3 4 5 6 7 8 9 10; do
  found=$(
    exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
    find /proc/[0-9]*/fd -maxdepth 1 -type l -printf '%p %l\\n' | while read -r fd link; do
      case $fd in "/proc/$$/"*) continue ;; esac
      for each in $held; do
        eval "name=\\$name$each"
        [ "\${link##*/}" = "$name" ] && [ "$fd" -ef "/proc/$$/fd/$each" ] || continue
        pid=\${fd#/proc/}
        kill -s KILL "\${pid%%/*}" && echo "$pid"
      done
    done
  )
  [ -n "$found" ] || break
done
sleep 1
`;

/** The descriptors that every shell can name: one digit, without the three standard ones. */
const FIRST_FD = 3;
export const MOST_KEPT = 7;

/**
 * A tiny shell of its own session that outlives us. If we are killed, even by SIGKILL, it kills the
 * process groups it was told of, and only then closes the descriptors it was given: a tool that
 * reads from a pipe must be dead before the pipe is closed, or it takes a part for the whole.
 */
export class Keeper {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #held: Map<number, PromiseWithResolvers<void>>;

  private constructor(child: ChildProcess, count: number) {
    this.#child = child;
    this.#held = new Map(
      Array.from({ length: count }, (_, place) => [place, Promise.withResolvers<void>()]),
    );
    this.#exited = once(child, "exit").then(() => this.#closedAll());
    child.stdin?.on("error", () => {}); // a keeper that was killed from outside keeps nothing
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).on("line", (fd) => this.#closed(Number(fd)));
  }

  /** Starts a keeper that holds duplicates of `fds` (at most 7) as soon as this call has returned. */
  static async start(fds: readonly number[] = []): Promise<Keeper> {
    if (fds.length > MOST_KEPT) throw new PenstockError("internal", "too much for one keeper");
    const child = spawn("/bin/sh", ["-c", SCRIPT, "penstock-keeper", heldFds(fds.length)], {
      detached: true,
      cwd: "/",
      env: toolEnvironment({}),
      stdio: ["pipe", "pipe", "ignore", ...fds],
    });
    const keeper = new Keeper(child, fds.length);
    await started(child);
    return keeper;
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

  /**
   * Resolves when the keeper no longer holds the descriptor at this place of those it was given. With
   * the last one it ends, without killing anything. Repeating it is harmless.
   */
  async letGo(place: number): Promise<void> {
    const closed = this.#held.get(place)?.promise;
    if (closed === undefined) return;
    this.#child.stdin?.write(`close ${place + FIRST_FD}\n`);
    await closed;
    if (this.#held.size === 0) await this.dismiss();
  }

  /** Ends the keeper without killing anything. Repeating it is harmless. */
  async dismiss(): Promise<void> {
    if (this.#child.stdin?.writable) this.#child.stdin.end("dismiss\n");
    await this.#exited;
  }

  #closed(fd: number): void {
    const place = fd - FIRST_FD;
    this.#held.get(place)?.resolve();
    this.#held.delete(place);
  }

  /** The exit of a child is seen by its parent after its descriptors are closed. */
  #closedAll(): void {
    for (const place of [...this.#held.keys()]) this.#closed(place + FIRST_FD);
  }
}

/** How the shell names the descriptors that it is given. */
function heldFds(count: number): string {
  return Array.from({ length: count }, (_, place) => place + FIRST_FD).join(" ");
}

async function started(child: ChildProcess): Promise<void> {
  try {
    await once(child, "spawn");
  } catch (error) {
    throw toPenstockError(error, "start a keeper");
  }
}
