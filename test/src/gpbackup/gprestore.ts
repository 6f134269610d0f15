import { parseRestoreOptions } from "./options.ts";
import { RestoreSession } from "./restore-session.ts";
import { runProgram } from "./run-program.ts";

let session: RestoreSession | undefined;

await runProgram(
  "gprestore",
  async () => await session?.cleanUp(),
  async (context) => {
    const args = process.argv.slice(2);
    const commandLine = ["gprestore", ...args].join(" ");
    session = new RestoreSession(context, parseRestoreOptions(args), commandLine);
    await session.run();
  },
);
