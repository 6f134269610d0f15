import { BackupSession } from "./backup-session.ts";
import { parseBackupOptions } from "./options.ts";
import { runProgram } from "./run-program.ts";

let session: BackupSession | undefined;

await runProgram(
  "gpbackup",
  async () => await session?.cleanUp(),
  async (context) => {
    const args = process.argv.slice(2);
    const commandLine = ["gpbackup", ...args].join(" ");
    session = new BackupSession(context, parseBackupOptions(args), commandLine);
    await session.run();
  },
);
