import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";

/**
 * Stop signals are not for the guard: a service manager sends them to the whole group, and the
 * guard must outlive its ward. A line read means a clean end, an end without one a death.
 */
const SCRIPT = `
trap '' HUP INT TERM
read -r line && exit 0
seconds=$1
while [ -d "$2" ] && [ ! -e "$2.kept" ] && [ "$seconds" -gt 0 ]; do
  sleep 1
  seconds=$((seconds - 1))
done
[ -e "$2.kept" ] && exit 0
rm -rf -- "$2"
shift 2
rmdir -- "$@"
`;

/** A file with this behind the directory's name keeps a guard from removing anything. */
export const KEPT_SUFFIX = ".kept";

/**
 * Watches over a directory: if this process dies without disposing the guard, even by SIGKILL, a
 * small shell in a session of its own waits for `orphanMs`, removes the directory, and then those of
 * `emptyParents`, in their order, that hold nothing else. Disposing ends the shell and removes nothing.
 *
 * Best effort: without a shell to start there is no guard, and what is left is for `sweep`.
 */
export function createPartialGuard(
  directory: string,
  emptyParents: readonly string[],
  orphanMs: number,
): AsyncDisposable {
  const { PATH } = process.env; // and none of the secrets that may stand beside it
  const seconds = String(Math.ceil(orphanMs / 1000));
  const args = ["-c", SCRIPT, "penstock-guard", seconds, directory, ...emptyParents];
  const shell = spawn("sh", args, {
    cwd: "/",
    detached: true,
    env: { PATH },
    stdio: ["pipe", "ignore", "ignore"],
  });
  const ended = once(shell, "exit").catch(() => {}); // it could not be started, see above
  // The guard must not keep this process alive. Node makes the pipe a socket.
  shell.unref();
  const stdin = shell.stdin as Socket | undefined; // undefined if there was no descriptor left
  stdin?.unref();
  stdin?.on("error", () => {}); // the shell was killed; nothing to tell it any more
  return {
    [Symbol.asyncDispose]: async () => {
      shell.ref();
      stdin?.end("clean end\n");
      await ended;
    },
  };
}
