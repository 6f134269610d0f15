import { PenstockError, systemClock } from "@penstock/common";
import type { CommandModule } from "yargs";
import { askCancel, askStatus } from "../runs/control-client.ts";
import { readEnd } from "../runs/read-run.ts";
import type { RunFolder } from "../runs/run-folder.ts";
import { onCancel } from "./cancellation.ts";
import { Loaded } from "./loaded.ts";
import type { GlobalArguments } from "./options.ts";
import { print, printJson } from "./print.ts";
import { findRunning, type RunArguments, runArgument } from "./run-argument.ts";

const LOOK_EVERY_MS = 200;

/** `penstock cancel RUN`: the run ends as by Ctrl-C; returns when it has. */
export const cancelCommand: CommandModule<GlobalArguments, RunArguments> = {
  command: "cancel <run>",
  describe: "End a run as Ctrl-C would, and wait until it has cleaned up",
  builder: (yargs) => runArgument(yargs),
  async handler({ config, output, run: name }) {
    const signal = onCancel();
    await using loaded = new Loaded(config);
    const { folder } = await findRunning(loaded, name, signal);
    await askCancel(folder, signal); // one that has just ended says how below
    if (output === "text") print(`run ${folder.run} is being cancelled\n`);
    const status = await untilEnded(folder, signal);
    if (status !== "cancelled") throw endedOtherwise(folder, status);
    if (output === "json") printJson({ run: folder.run, status });
    else print(`run ${folder.run} is cancelled\n`);
  },
};

async function untilEnded(folder: RunFolder, signal: AbortSignal): Promise<string | undefined> {
  while ((await askStatus(folder, signal)) !== undefined) {
    await systemClock.delay(LOOK_EVERY_MS, signal);
  }
  return await readEnd(folder);
}

function endedOtherwise({ run }: RunFolder, status: string | undefined): PenstockError {
  const how = status === undefined ? "its controller was killed" : `it has ${ended(status)}`;
  return new PenstockError("failed", `run ${run} was not cancelled: ${how}`, {
    hint: `see: penstock logs ${run}`,
  });
}

function ended(status: string): string {
  return status === "failed" ? "failed before" : `ended well before: ${status}`;
}
