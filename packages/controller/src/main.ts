import { countBuffersAsHeap, EXIT_STATUS, errorText, PenstockError } from "@penstock/common";
import yargs, { type Argv, type CommandModule } from "yargs";
import { hideBin } from "yargs/helpers";
import { Cancelled } from "./cancelled.ts";
import { backupCommand } from "./cli/backup.ts";
import { cancelCommand } from "./cli/cancel.ts";
import { catCommand } from "./cli/cat.ts";
import { checkCommand } from "./cli/check.ts";
import { configCommand } from "./cli/config.ts";
import { gpbackupCommand } from "./cli/gpbackup.ts";
import { listCommand } from "./cli/list.ts";
import { logsCommand } from "./cli/logs.ts";
import { assertGivenOnce, GLOBAL_OPTIONS, type GlobalArguments } from "./cli/options.ts";
import { pkiCommand } from "./cli/pki.ts";
import { planCommand } from "./cli/plan.ts";
import { printed } from "./cli/print.ts";
import { restoreCommand } from "./cli/restore.ts";
import { showCommand } from "./cli/show.ts";
import { statusCommand } from "./cli/status.ts";
import { throttleCommand } from "./cli/throttle.ts";
import { USAGE_WORDS, usageHint } from "./cli/usage-words.ts";
import { verifyCommand } from "./cli/verify.ts";
import { VERSION } from "./version.ts";

process.title = "penstock";
countBuffersAsHeap();

/** Commands take arguments of their own; to yargs they are all alike. */
const COMMANDS: readonly CommandModule[] = [
  planCommand,
  backupCommand,
  restoreCommand,
  listCommand,
  showCommand,
  verifyCommand,
  catCommand,
  statusCommand,
  cancelCommand,
  throttleCommand,
  logsCommand,
  checkCommand,
  gpbackupCommand,
  pkiCommand,
  configCommand,
] as unknown as CommandModule[];

const exitStatus = await main();
await printed();
// Everything is closed by now but a connection that is just being made to a host that is gone: it
// would keep us for minutes.
process.exit(exitStatus);

async function main(): Promise<number> {
  const args = hideBin(process.argv);
  try {
    await createCli(args)
      .command([...COMMANDS])
      .completion("completion", "Print a completion script for the shell")
      .demandCommand(1, "name a command")
      .recommendCommands()
      .strict()
      .version(VERSION)
      .exitProcess(false)
      .fail((message, error) => {
        if (error !== undefined && error.name !== "YError") throw error;
        const names = COMMANDS.map(({ command }) => String(command).split(" ")[0] ?? "");
        throw new PenstockError("usage", message, { hint: usageHint(args, names) });
      })
      .parseAsync();
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return report(error);
  }
}

function createCli(args: string[]): Argv<GlobalArguments> {
  const cli = yargs(args)
    .scriptName("penstock")
    .updateStrings(USAGE_WORDS as Record<string, string>) // its type knows no plurals
    .usage("$0 <command>\n\nBacks up and restores databases that are spread over many hosts.")
    .parserConfiguration({ "camel-case-expansion": false, "boolean-negation": false })
    .options(GLOBAL_OPTIONS)
    .check(assertGivenOnce);
  // yargs infers plain strings where choices are given.
  return cli as unknown as Argv<GlobalArguments>;
}

/** Says what went wrong, on standard error, and returns the exit status for it. */
function report(error: unknown): number {
  if (error instanceof Cancelled) {
    if (error.signal !== "SIGPIPE") process.stderr.write(`error: ${error.message}\n`);
    return error.exitStatus;
  }
  process.stderr.write(errorText(error));
  return error instanceof PenstockError ? EXIT_STATUS[error.code] : 1;
}
