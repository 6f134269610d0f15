import { spawn } from "node:child_process";
import { constants } from "node:os";
import { isErrno } from "@penstock/common";

/** The most that an unprivileged user may ask for. */
const PIPE_BYTES = 1024 * 1024;
const F_SETPIPE_SZ = 1031;
/** What is 0, 1 or 2 of a child is switched to blocking, also for ourselves: pipes come behind. */
const FIRST_FD = 3;
/** A user has room for 64 large pipes. */
const MOST_AT_ONCE = 64;
/** Grows as many pipes as its argument says. Exit status: 0, or the errno of the first refusal. */
const SCRIPT = `
for my $fd (${FIRST_FD} .. ${FIRST_FD} - 1 + $ARGV[0]) {
  open(my $p, "<&=$fd") or exit 255;
  defined(fcntl($p, ${F_SETPIPE_SZ}, ${PIPE_BYTES})) or exit($!+0);
}`;
/** After a refusal the next try comes when some may have been closed. */
const PAUSE_MS = 60_000;

let pausedUntilMs = 0;

/** Pipes that were opened in the same turn of the event loop, and who waits for them. */
let waiting: { readonly fds: number[]; readonly grown: Promise<void> } | undefined;

/**
 * Makes the buffer of an open pipe larger, which makes reading three times as fast as with the
 * default 64 KiB; it stays so for the pipe's life. Best effort: Node has no fcntl, so perl is
 * asked, one for all pipes of a moment. After a refusal nothing is tried for a minute; without perl,
 * never again.
 */
export async function growPipe(fd: number): Promise<void> {
  if (performance.now() < pausedUntilMs) return;
  if (waiting === undefined || waiting.fds.length === MOST_AT_ONCE) waiting = startBatch();
  waiting.fds.push(fd);
  await waiting.grown;
}

function startBatch(): { fds: number[]; grown: Promise<void> } {
  const fds: number[] = [];
  const grown = new Promise((resolve) => setImmediate(resolve)).then(() => {
    if (waiting?.fds === fds) waiting = undefined;
    return growAll(fds);
  });
  return { fds, grown };
}

async function growAll(fds: readonly number[]): Promise<void> {
  if (performance.now() < pausedUntilMs) return;
  const status = await runPerl(fds);
  if (status === "no perl") pausedUntilMs = Number.POSITIVE_INFINITY;
  if (status === constants.errno.EPERM) pausedUntilMs = performance.now() + PAUSE_MS;
}

function runPerl(fds: readonly number[]): Promise<number | null | "no perl"> {
  const stdio = ["ignore", "ignore", "ignore", ...fds] as const;
  const child = spawn("perl", ["-e", SCRIPT, String(fds.length)], { stdio: [...stdio] });
  return new Promise((resolve) => {
    child.once("exit", resolve);
    child.once("error", (error) => resolve(isErrno(error, "ENOENT") ? "no perl" : null));
  });
}
