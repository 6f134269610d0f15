import type { Argv, CommandModule } from "yargs";
import { findSet } from "../catalogue/catalogue.ts";
import { restore } from "../run/restore.ts";
import { onCancel } from "./cancellation.ts";
import { warnByStatus } from "./done-with-warnings.ts";
import { Loaded } from "./loaded.ts";
import { mappedAgents } from "./mapped-agents.ts";
import type { GlobalArguments } from "./options.ts";
import { print, printJson } from "./print.ts";
import {
  RESTORE_OPTIONS,
  type RestoreOptionArguments,
  toRestoreOptions,
} from "./restore-options.ts";
import { openRunContext } from "./run-context.ts";
import { openReport } from "./run-report.ts";
import { targetOption } from "./set-argument.ts";

interface RestoreArguments extends GlobalArguments, RestoreOptionArguments {
  readonly plan: string;
  readonly set: string;
  readonly target: string | undefined;
}

/** `penstock restore PLAN --set ID|LATEST`. */
export const restoreCommand: CommandModule<GlobalArguments, RestoreArguments> = {
  command: "restore <plan>",
  describe: "Give a committed set back to the plan's tools",
  builder: (yargs) =>
    // yargs infers plain strings where lists are given.
    targetOption(yargs)
      .positional("plan", { type: "string", demandOption: true, describe: "The plan's name" })
      .option("set", {
        type: "string",
        requiresArg: true,
        demandOption: true,
        describe: "A set's name, or LATEST",
      })
      .options(RESTORE_OPTIONS)
      .epilogue("What stands behind -- is handed to the restoring tool.")
      .parserConfiguration({ "populate--": true }) as unknown as Argv<RestoreArguments>,
  async handler({ config, output, plan, set, target, ...args }) {
    const signal = onCancel();
    const options = toRestoreOptions(args);
    const restored = await openReport(output, { plan, set }, async (report) => {
      await using loaded = new Loaded(config);
      const planned = await openRunContext(loaded, plan, report, signal);
      const targets =
        target === undefined ? planned.targets : await loaded.targets([target], signal);
      const { target: source, manifest } = await findSet(
        targets,
        planned.cluster,
        set,
        plan,
        signal,
      );
      const agents = mappedAgents(loaded, planned, manifest, options.hosts);
      const context = { ...planned, agents };
      const done = await restore(context, { source, manifest, options }, signal);
      return { ...done, set: manifest.set };
    });
    const { set: name, streams, warnings } = restored;
    const about = { event: "result", set: name, plan, status: "restored" };
    if (output === "json") printJson({ ...about, streams, warnings });
    else print(`set ${name} is restored: ${streams} streams\n`);
    warnByStatus(warnings);
  },
};
