import { nameField, pathField, textField } from "@penstock/common";
import { z } from "zod";
import { variableName } from "../variable-name.ts";
import { refusedOptions } from "./refused-options.ts";

/** gpbackup with its storage plugin: one run of it is one set. */
export interface GpbackupConfig {
  readonly type: "gpbackup";
  /** The agent of the host where gpbackup and gprestore run. */
  readonly coordinator: string;
  readonly database: string;
  /** Further options of gpbackup. */
  readonly options: readonly string[];
  /** Further options of gprestore. */
  readonly restore: readonly string[];
  /** The agents of the database hosts; all of the configuration if it is not given. */
  readonly hosts?: readonly string[];
  /** GPHOME: sets what its `greenplum_path.sh` sets. */
  readonly home?: string;
  readonly coordinatorDataDirectory?: string;
  readonly port?: number;
  /** Further variables; they win. */
  readonly env: Readonly<Record<string, string>>;
}

const optionList = (tool: "gpbackup" | "gprestore"): z.ZodType<readonly string[]> =>
  z.array(textField).superRefine((options, context) => {
    for (const { index, message } of refusedOptions(tool, options)) {
      context.addIssue({ code: "custom", path: [index], message });
    }
  });

/** The schema of a producer of type `gpbackup`. */
export const gpbackupConfigSchema: z.core.$ZodTypeDiscriminable & z.ZodType<GpbackupConfig> =
  z.strictObject({
    type: z.literal("gpbackup"),
    coordinator: nameField.describe("Agent of the host where gpbackup runs"),
    database: textField.describe("The database to back up"),
    options: optionList("gpbackup").prefault([]).describe("Further options of gpbackup"),
    restore: optionList("gprestore").prefault([]).describe("Further options of gprestore"),
    hosts: z.array(nameField).min(1).exactOptional().describe("Agents; by default all"),
    home: pathField.exactOptional().describe("Where Greenplum is installed (GPHOME)"),
    coordinatorDataDirectory: pathField
      .exactOptional()
      .describe("The coordinator's data directory (MASTER_DATA_DIRECTORY)"),
    port: z.number().int().min(1).max(65_535).exactOptional().describe("The coordinator's port"),
    env: z.record(variableName, textField).prefault({}).describe("Further variables of the tools"),
  });
