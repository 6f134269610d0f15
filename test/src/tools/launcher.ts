import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * Writes an executable `copy-dump` into `dir` that runs the tool of this folder on this very Node, and
 * returns its path: an agent's allow-list names programs, not scripts with arguments.
 */
export async function writeCopyDumpLauncher(dir: string): Promise<string> {
  return await writeLauncher(join(dir, "copy-dump"), join(import.meta.dirname, "copy-dump.ts"));
}

/** Writes an executable at `path` that runs a script of ours on this very Node, and returns `path`. */
export async function writeLauncher(path: string, script: string): Promise<string> {
  const command = [process.execPath, script].map(shellQuote);
  await writeFile(path, `#!/bin/sh\nexec ${command.join(" ")} "$@"\n`, { mode: 0o755 });
  return path;
}

function shellQuote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
