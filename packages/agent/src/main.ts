import { countBuffersAsHeap, EXIT_STATUS, errorText, PenstockError } from "@penstock/common";
import yargs from "yargs";
import { hideBin } from "yargs/helpers";
import { runCommand } from "./run-command.ts";
import { VERSION } from "./version.ts";

process.title = "penstock-agent";
countBuffersAsHeap();

try {
  await yargs(hideBin(process.argv))
    .scriptName("penstock-agent")
    .usage("$0 <command>\n\nServes the streams of this database host to Penstock's controllers.")
    .command(runCommand)
    .demandCommand(1, "name a command: run")
    .strict()
    .version(VERSION)
    .exitProcess(false)
    .fail((message, error) => {
      if (error !== undefined && error.name !== "YError") throw error;
      throw new PenstockError("usage", message, { hint: "see: penstock-agent --help" });
    })
    .parseAsync();
} catch (error) {
  process.stderr.write(errorText(error));
  process.exitCode = error instanceof PenstockError ? EXIT_STATUS[error.code] : 1;
}
