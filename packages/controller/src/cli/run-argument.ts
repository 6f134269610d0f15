import type { Argv } from "yargs";
import { listRunning, pickRun, type RunningRun } from "../runs/find-run.ts";
import type { Loaded } from "./loaded.ts";
import type { GlobalArguments } from "./options.ts";

/** Arguments of a command about one run. */
export interface RunArguments extends GlobalArguments {
  readonly run: string;
}

/** Adds the RUN argument. */
export function runArgument<T>(yargs: Argv<T>): Argv<T & { run: string }> {
  return yargs.positional("run", {
    type: "string",
    demandOption: true,
    describe: "A run's name, or its set's, or its plan's",
  });
}

/** The run that the argument names, which is going on. Throws `not_found`, or `unreachable`. */
export async function findRunning(
  { config: { runDirectory, cluster } }: Loaded,
  name: string,
  signal: AbortSignal,
): Promise<RunningRun> {
  const run = pickRun(await listRunning(runDirectory, cluster, signal), name, "running run");
  if (run.error !== undefined) throw run.error;
  return run;
}
