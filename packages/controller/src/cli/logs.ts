import { hasCode } from "@penstock/common";
import type { CommandModule } from "yargs";
import { askStatus } from "../runs/control-client.ts";
import { type KnownRun, listKnown, pickRun } from "../runs/find-run.ts";
import { readLog } from "../runs/log-file.ts";
import type { RunFolder } from "../runs/run-folder.ts";
import { onCancel } from "./cancellation.ts";
import { Loaded } from "./loaded.ts";
import { toLogText } from "./log-text.ts";
import type { GlobalArguments } from "./options.ts";
import { print, printed } from "./print.ts";
import { type RunArguments, runArgument } from "./run-argument.ts";

interface LogsArguments extends RunArguments {
  readonly follow: boolean;
}

/** `penstock logs RUN`: what the controller and its agents have logged about a run. */
export const logsCommand: CommandModule<GlobalArguments, LogsArguments> = {
  command: "logs <run>",
  describe: "The log of a run, also of one that has ended; LATEST is the newest",
  builder: (yargs) =>
    runArgument(yargs).option("follow", {
      alias: "f",
      type: "boolean",
      default: false,
      describe: "Go on as long as the run does",
    }),
  async handler({ config, output, run: name, follow }) {
    const signal = onCancel();
    await using loaded = new Loaded(config);
    const { runDirectory, cluster } = loaded.config;
    const { folder } = pick(await listKnown(runDirectory, cluster), name);
    const isOver = async (): Promise<boolean> => !follow || !(await isThere(folder, signal));
    for await (const line of readLog(folder, isOver, signal)) {
      print(`${output === "json" ? line : toLogText(line)}\n`);
      if (process.stdout.writableNeedDrain) await printed();
      if (process.stdout.destroyed) return; // the reader has enough
    }
  },
};

/** A controller that does not answer just now may have more to say. */
async function isThere(folder: RunFolder, signal: AbortSignal): Promise<boolean> {
  try {
    return (await askStatus(folder, signal)) !== undefined;
  } catch (error) {
    if (hasCode(error, "unreachable")) return true;
    throw error;
  }
}

function pick(runs: readonly KnownRun[], name: string): KnownRun {
  const [newest] = runs;
  return name === "LATEST" && newest !== undefined
    ? newest
    : pickRun(runs, name, "run of this host");
}
