import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * Writes an executable `copy-dump` into `dir` that runs the tool of this folder on this very Node, and
 * returns its path: an agent's allow-list names programs, not scripts with arguments.
 */
export async function writeCopyDumpLauncher(dir: string): Promise<string> {
  const path = join(dir, "copy-dump");
  const command = [process.execPath, join(import.meta.dirname, "copy-dump.ts")].map(shellQuote);
  await writeFile(path, `#!/bin/sh\nexec ${command.join(" ")} "$@"\n`, { mode: 0o755 });
  return path;
}

function shellQuote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
