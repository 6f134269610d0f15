import { mkdir } from "node:fs/promises";
import { Child, run } from "./child.ts";

/** Ways to make a folder a small disk of its own, best first: for root, and for whoever may make name spaces. */
const NAME_SPACES = [
  { make: ["-m"], enter: ["-m"] },
  { make: ["-U", "-r", "-m"], enter: ["-U", "--preserve-credentials", "-m"] },
];
const MOUNT = 'mount -t tmpfs -o "size=$1" penstock "$0" && echo mounted && exec sleep infinity';

/**
 * A folder that is a disk of a few MiB for the programs that are started on it, and an empty folder
 * for all others. It ends, with all that is on it, when it is disposed of.
 */
export class SmallDisk implements AsyncDisposable {
  /** Where everybody else sees the folder as the programs on the disk do. */
  readonly view: string;
  /** Prefix of a command that is to see it: the program and its arguments follow. */
  readonly prefix: readonly string[];
  readonly #holder: Child;

  private constructor(holder: Child, folder: string, enter: readonly string[]) {
    this.#holder = holder;
    this.view = `/proc/${holder.pid}/root${folder}`;
    this.prefix = ["nsenter", "-t", `${holder.pid}`, ...enter, "--"];
  }

  /** Undefined where this user may not mount anything. */
  static async mount(
    folder: string,
    sizeMiB: number,
    signal: AbortSignal,
  ): Promise<SmallDisk | undefined> {
    await mkdir(folder, { recursive: true });
    for (const { make, enter } of NAME_SPACES) {
      const works = await run(
        "unshare",
        [...make, "mount", "-t", "tmpfs", "t", folder],
        {},
        signal,
      );
      if (works.status !== 0) continue;
      const args = [...make, "sh", "-c", MOUNT, folder, `${sizeMiB}m`];
      const holder = await Child.start("unshare", args, {}, signal);
      await holder.stdout.waitFor(/mounted/, signal);
      return new SmallDisk(holder, folder, enter);
    }
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#holder.stop();
  }
}
