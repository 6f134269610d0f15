import { link, readFile, rm, writeFile } from "node:fs/promises";

/**
 * Takes a tool's lock; it is given back when disposed of. Returns the process that has it instead,
 * if that still runs.
 */
export async function takePidLock(path: string): Promise<PidLock | number> {
  const own = `${path}.${process.pid}`;
  await writeFile(own, String(process.pid));
  await using _ = new PidLock(own);
  for (;;) {
    // The link is there with its text, or not at all.
    const isOurs = await link(own, path).then(
      () => true,
      () => false,
    );
    if (isOurs) return new PidLock(path);
    const owner = Number(await readFile(path, "utf8").catch(() => ""));
    if (owner > 0 && runs(owner)) return owner;
    await rm(path, { force: true });
  }
}

/** A lock that is ours: a file. */
export class PidLock implements AsyncDisposable {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#path, { force: true });
  }
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
