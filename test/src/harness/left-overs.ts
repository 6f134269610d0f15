import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/**
 * What is left of runs whose agents had these folders as roots: every file, pipe and folder below them,
 * and every process with one of them in its arguments. One line for each; none is good.
 */
export async function findLeftOvers(roots: readonly string[]): Promise<string[]> {
  const found = await Promise.all(roots.map(entriesBelow));
  return [...found.flat(), ...(await processesNaming(roots))];
}

/** Resolves when nothing is left. When the signal aborts before, throws with what is. */
export async function untilNothingLeft(
  roots: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const left = await findLeftOvers(roots);
    if (left.length === 0) return;
    if (signal.aborted) throw new Error(`left behind: ${left.join(", ")}`);
    await delay(100, undefined, { signal }).catch(() => {}); // looks once more when time is up
  }
}

async function entriesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries.map((entry) => {
    const kind = entry.isFIFO() ? "pipe" : entry.isDirectory() ? "folder" : "file";
    return `${kind} ${join(entry.parentPath, entry.name)}`;
  });
}

async function processesNaming(roots: readonly string[]): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map(async (pid) => {
      const bytes = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""); // it has ended
      return `process ${pid}: ${bytes.replaceAll("\0", " ").trimEnd()}`;
    }),
  );
  return lines.filter((line) => roots.some((root) => line.includes(`${root}/`)));
}
