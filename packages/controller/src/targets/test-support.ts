import { mkdtemp, readdir, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A directory for one test, removed with all that is in it on disposal. */
export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string;
}

export async function createTemporaryDirectory(): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(tmpdir(), "penstock-target-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Files below a directory that this process holds open. */
export async function openFilesBelow(directory: string): Promise<string[]> {
  const descriptors = await readdir("/proc/self/fd");
  const links = descriptors.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ""));
  return (await Promise.all(links)).filter((path) => path.startsWith(`${directory}/`));
}

/**
 * Runs a story without root's power over permissions, so that a refusal can be tested by whoever
 * runs the tests. Nothing else may run in this process at the time.
 */
export async function withoutPrivilege<T>(story: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return story();
  process.seteuid?.(65_534);
  try {
    return await story();
  } finally {
    process.seteuid?.(0);
  }
}
