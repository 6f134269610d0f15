import { PenstockError } from "@penstock/common";
import type { Argv } from "yargs";
import type { PlanConfig } from "../config-plan.ts";
import type { GpbackupConfig } from "../producers/gpbackup/gpbackup-config.ts";
import { isTimestamp } from "../producers/gpbackup/plugin-key.ts";
import type { Loaded } from "./loaded.ts";
import type { GlobalArguments } from "./options.ts";

/** Arguments of a command about one backup of gpbackup's. */
export interface GpbackupArguments extends GlobalArguments {
  readonly plan: string;
  readonly timestamp: string;
}

/** Adds the plan and gpbackup's timestamp. */
export function gpbackupArguments<T>(
  yargs: Argv<T>,
): Argv<T & { plan: string; timestamp: string }> {
  return yargs
    .positional("plan", { type: "string", demandOption: true, describe: "The plan's name" })
    .option("timestamp", {
      type: "string",
      requiresArg: true,
      demandOption: true,
      describe: "gpbackup's own name of the backup: YYYYMMDDHHMMSS",
    })
    .check(({ timestamp }) => {
      if (isTimestamp(String(timestamp))) return true;
      throw new PenstockError("usage", `--timestamp ${timestamp}: allowed: 14 digits`);
    });
}

/** The plan, whose producer is gpbackup. Throws `usage` for any other. */
export function gpbackupPlan(
  loaded: Loaded,
  name: string,
): PlanConfig & { readonly producer: GpbackupConfig } {
  const plan = loaded.plan(name);
  const { producer } = plan;
  if (producer.type === "gpbackup") return { ...plan, producer };
  throw new PenstockError("usage", `plan ${name} is for ${producer.type}, not for gpbackup`);
}
