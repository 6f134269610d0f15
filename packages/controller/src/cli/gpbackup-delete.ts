import { PenstockError } from "@penstock/common";
import type { CommandModule } from "yargs";
import { deleteSet } from "../catalogue/delete-set.ts";
import { findByStream } from "../catalogue/find-by-stream.ts";
import { configName } from "../producers/gpbackup/plugin-key.ts";
import { onCancel } from "./cancellation.ts";
import { type GpbackupArguments, gpbackupArguments, gpbackupPlan } from "./gpbackup-arguments.ts";
import { Loaded } from "./loaded.ts";
import type { GlobalArguments } from "./options.ts";
import { print, printJson } from "./print.ts";

/** `penstock gpbackup delete PLAN --timestamp TS`. */
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
    if (found === undefined) {
      const message = `no set of cluster ${cluster} has gpbackup's timestamp ${timestamp}`;
      throw new PenstockError("not_found", message, {
        hint: "a timestamp is gpbackup's own name of the backup, not the set's; penstock show SET has it in the names of the streams",
      });
    }
    const { set } = found.manifest;
    await deleteSet(
      targets.map(({ target }) => target),
      found.manifest,
      signal,
    );
    if (output === "json") printJson({ event: "result", status: "deleted", set, timestamp });
    else print(`set ${set} of timestamp ${timestamp} is deleted\n`);
  },
};
