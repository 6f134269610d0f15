import type { CommandModule } from "yargs";
import { findSet } from "../catalogue/catalogue.ts";
import { restore } from "../run/restore.ts";
import { onCancel } from "./cancellation.ts";
import { Loaded } from "./loaded.ts";
import type { GlobalArguments } from "./options.ts";
import { print, printJson } from "./print.ts";
import { openRunContext } from "./run-context.ts";
import { openReport } from "./run-report.ts";
import { targetOption } from "./set-argument.ts";

interface RestoreArguments extends GlobalArguments {
  readonly plan: string;
  readonly set: string;
  readonly target: string | undefined;
}

/** `penstock restore PLAN --set ID|LATEST`. */
export const restoreCommand: CommandModule<GlobalArguments, RestoreArguments> = {
  command: "restore <plan>",
  describe: "Give a committed set back to the plan's tools",
  builder: (yargs) =>
    targetOption(yargs)
      .positional("plan", { type: "string", demandOption: true, describe: "The plan's name" })
      .option("set", {
        type: "string",
        requiresArg: true,
        demandOption: true,
        describe: "A set's name, or LATEST",
      }),
  async handler({ config, output, plan, set, target }) {
    const signal = onCancel();
    const restored = await openReport(output, { plan, set }, async (report) => {
      await using loaded = new Loaded(config);
      const context = await openRunContext(loaded, plan, report, signal);
      const targets =
        target === undefined ? context.targets : await loaded.targets([target], signal);
      const found = await findSet(targets, context.cluster, set, plan, signal);
      await restore(context, found.target, found.manifest, signal);
      return found.manifest;
    });
    const { set: name, streams } = restored;
    const result = {
      event: "result",
      set: name,
      plan,
      status: "restored",
      streams: streams.length,
    };
    if (output === "json") printJson(result);
    else print(`set ${name} is restored: ${streams.length} streams\n`);
  },
};
