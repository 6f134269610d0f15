import { findDumpTools, type PostgresBinaries } from "../postgres/binaries.ts";
import { writeCopyDumpLauncher } from "../tools/launcher.ts";
import { DATABASE } from "./databases.ts";

/** The programs that dump and load a database through a pipe. */
export interface DumpCommands {
  /** For people. */
  readonly description: string;
  /** The agents' allow-list. */
  readonly tools: Readonly<Record<string, string>>;
  readonly backup: (pipe: string) => ToolCommand;
  readonly restore: (pipe: string) => ToolCommand;
  /** A shell command that shows something of a dump on its standard input. */
  readonly inspect: string;
}

/** A tool of the allow-list and its arguments. */
interface ToolCommand {
  readonly tool: string;
  readonly args: readonly string[];
}

/**
 * `pg_dump` and `pg_restore` where they are installed for this server, else our own small tool,
 * whose launcher is written into `dir`.
 */
export async function findDumpCommands(
  server: PostgresBinaries,
  dir: string,
  signal: AbortSignal,
): Promise<DumpCommands> {
  const installed = await findDumpTools(server, signal);
  if (installed) {
    const { pg_dump, pg_restore } = installed;
    return {
      description: "pg_dump and pg_restore",
      tools: { pg_dump, pg_restore },
      // The agent compresses, so pg_dump need not; and a pipe cannot be synced.
      backup: (pipe) => ({ tool: "pg_dump", args: ["-Fc", "-Z0", "--no-sync", "-f", pipe] }),
      // Told the format, pg_restore opens the pipe once; to find it out it would open it twice.
      restore: (pipe) => ({
        tool: "pg_restore",
        args: ["-Fc", "--exit-on-error", "-d", DATABASE, pipe],
      }),
      inspect: "pg_restore --list | head -30",
    };
  }
  return {
    description: "copy-dump, the demo's own tool: no pg_dump for this server is installed",
    tools: { copy_dump: await writeCopyDumpLauncher(dir) },
    backup: (pipe) => ({ tool: "copy_dump", args: ["out", pipe] }),
    restore: (pipe) => ({ tool: "copy_dump", args: ["in", pipe] }),
    inspect: "head -20 | cut -c1-100",
  };
}
