import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
const MOUNT = 'mount -t tmpfs -o size=8m penstock "$0" && exec "$@"';

interface SmallDisk {
  /** Prefix of a command: the rest is the directory, the program and its arguments. */
  readonly prefix: readonly [string, ...string[]];
  /** What a write says in the end. */
  readonly full: RegExp;
}

/** Best first: a real full disk for root, for whoever may make name spaces, and a limit for all others. */
const WAYS: readonly SmallDisk[] = [
  { prefix: ["unshare", "-m", "sh", "-c", MOUNT], full: /: disk full$/ },
  { prefix: ["unshare", "-Urm", "sh", "-c", MOUNT], full: /: disk full$/ },
  { prefix: ["sh", "-c", 'ulimit -f 8192 && exec "$@"'], full: /: EFBIG/ },
];

/**
 * Runs a program that finds `directory` on a disk of at most 8 MiB, in a mount name space that ends
 * with it. Returns its output, and what a write says there when no more fits.
 */
export async function runOnSmallDisk(
  directory: string,
  program: string,
  args: readonly string[],
): Promise<{ stdout: string; full: RegExp }> {
  for (const { prefix, full } of WAYS) {
    const [command, ...rest] = prefix;
    const works = await run(command, [...rest, directory, "true"]).then(
      () => true,
      () => false,
    );
    if (!works) continue;
    const { stdout } = await run(command, [...rest, directory, program, ...args]);
    return { stdout, full };
  }
  throw new Error("no shell");
}
