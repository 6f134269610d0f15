import type { Argv } from "yargs";
import { type FoundSet, findSet } from "../catalogue/catalogue.ts";
import type { Loaded, OpenedTarget } from "./loaded.ts";
import type { GlobalArguments } from "./options.ts";
import { settleDeadRuns } from "./settle-dead-runs.ts";

/** Arguments of a command about one set. */
export interface SetArguments extends GlobalArguments {
  readonly set: string;
  readonly target: string | undefined;
}

/** Adds `--target`, where to look. */
export function targetOption<T>(yargs: Argv<T>): Argv<T & { target: string | undefined }> {
  return yargs.option("target", {
    type: "string",
    requiresArg: true,
    describe: "Name of the target to look at, if not at all",
  });
}

/** Adds the SET argument and `--target`. */
export function setArgument<T>(
  yargs: Argv<T>,
): Argv<T & { set: string; target: string | undefined }> {
  return targetOption(yargs).positional("set", {
    type: "string",
    demandOption: true,
    describe: "A set's name, or LATEST",
  });
}

/** The set that the arguments name, where it lies. Throws `not_found`. */
export async function findNamedSet(
  loaded: Loaded,
  { set, target }: SetArguments,
  signal: AbortSignal,
): Promise<FoundSet<OpenedTarget>> {
  await settleDeadRuns(loaded, signal);
  const targets = await loaded.targets(target === undefined ? undefined : [target], signal);
  return await findSet(targets, loaded.config.cluster, set, undefined, signal);
}
