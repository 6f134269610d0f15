import type { CommandModule } from "yargs";
import { deleteSet } from "../catalogue/delete-set.ts";
import { findByStream } from "../catalogue/find-by-stream.ts";
import { configName } from "../producers/gpbackup/plugin-key.ts";
import { onCancel } from "./cancellation.ts";
import { type GpbackupArguments, gpbackupArguments, gpbackupPlan } from "./gpbackup-arguments.ts";
import { Loaded } from "./loaded.ts";
import type { GlobalArguments } from "./options.ts";
import { print, printJson } from "./print.ts";

/** `penstock gpbackup delete PLAN --timestamp TS`. What is gone already is deleted. */
export const gpbackupDeleteCommand: CommandModule<GlobalArguments, GpbackupArguments> = {
  command: "delete <plan>",
  describe: "Delete the set of this timestamp from all targets of the plan",
  builder: gpbackupArguments,
  async handler({ config, output, plan: name, timestamp }) {
    const signal = onCancel();
    await using loaded = new Loaded(config);
    const plan = gpbackupPlan(loaded, name);
    const targets = await loaded.targets(plan.targets, signal);
    const { cluster } = loaded.config;
    const stream = configName(timestamp);
    const sign = { cluster, producer: plan.producer.type, stream, withFailed: true };
    const found = await findByStream(targets, sign, signal);
    const set = found?.manifest.set ?? null;
    if (found !== undefined) {
      await deleteSet(
        targets.map(({ target }) => target),
        found.manifest,
        signal,
      );
    }
    if (output === "json") printJson({ event: "result", status: "deleted", set, timestamp });
    else if (set === null) print(`no set has timestamp ${timestamp}: there is nothing to delete\n`);
    else print(`set ${set} of timestamp ${timestamp} is deleted\n`);
  },
};
