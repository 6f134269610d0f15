import { type ConfigProblem, nameField, pathField, textField } from "@penstock/common";
import { z } from "zod";
import { variableName } from "../variable-name.ts";
import { DUMP_OPTIONS } from "./dump-options.ts";
import { type OptionTable, scanOptions } from "./option-scan.ts";
import { RESTORE_OPTIONS } from "./restore-options.ts";

/** One database of a Greenplum 4.3 or 5.x cluster, dumped by gpcrondump through named pipes. */
export interface GpcrondumpConfig {
  readonly type: "gpcrondump";
  /** The agent on the coordinator's host; its tools are gpcrondump, gpdbrestore and psql. */
  readonly coordinator: string;
  readonly database: string;
  /** As gpcrondump's -u; without it every instance's own data directory. */
  readonly directory?: string;
  /** As gpcrondump's --prefix. */
  readonly prefix?: string;
  /** Further options of gpcrondump. */
  readonly options: readonly string[];
  /** Further options of gpdbrestore. */
  readonly restore: readonly string[];
  /** Agents by the catalogue's host names; without it they have the same names. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** Where Greenplum is installed; without it the agent's own environment must do. */
  readonly home?: string;
  /** Needed without `directory`. */
  readonly coordinatorDataDirectory?: string;
  readonly port?: number;
  /** Wins over all that `home` and the others set. */
  readonly env: Readonly<Record<string, string>>;
}

const database = textField.refine((name) => /^[^-\n][^\n]*$/.test(name), {
  error: 'bad name of a database; allowed: one line, not beginning with "-"',
});
const prefix = z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?$/, {
  error:
    'bad prefix; allowed: letters, digits, "_", "." and "-", with a letter or digit at both ends',
});

/** The schema of a producer of type `gpcrondump`, with all checks that need nothing but its own text. */
export const gpcrondumpConfigSchema: z.core.$ZodTypeDiscriminable & z.ZodType<GpcrondumpConfig> = z
  .strictObject({
    type: z.literal("gpcrondump"),
    coordinator: nameField.describe("The agent on the coordinator's host"),
    database: database.describe("What is dumped"),
    directory: pathField.exactOptional().describe("Where pipes and files are, on every host (-u)"),
    prefix: prefix.exactOptional().describe("Of all file names (--prefix)"),
    options: z.array(textField).prefault([]).describe("Further options of gpcrondump"),
    restore: z.array(textField).prefault([]).describe("Further options of gpdbrestore"),
    hosts: z
      .record(textField, nameField)
      .exactOptional()
      .describe("Agents by the catalogue's host names; without it they have the same names"),
    home: pathField.exactOptional().describe("GPHOME: where Greenplum is installed"),
    coordinatorDataDirectory: pathField
      .exactOptional()
      .describe("MASTER_DATA_DIRECTORY; needed without directory"),
    port: z.int().min(1).max(65_535).exactOptional().describe("PGPORT of the coordinator"),
    env: z
      .record(variableName, textField)
      .prefault({})
      .describe("Further variables of the tools; these win"),
  })
  .superRefine((config, context) => {
    for (const { path, message } of problemsOf(config)) {
      context.addIssue({ code: "custom", path: [...path], message });
    }
  });

function problemsOf(config: GpcrondumpConfig): ConfigProblem[] {
  const problems = [
    ...optionProblems("options", config.options, DUMP_OPTIONS),
    ...optionProblems("restore", config.restore, RESTORE_OPTIONS),
  ];
  if (config.directory === undefined && config.coordinatorDataDirectory === undefined) {
    const message =
      "without a directory the lists are in the coordinator's data directory; allowed: an absolute path";
    problems.push({ path: ["coordinatorDataDirectory"], message });
  }
  return problems;
}

function optionProblems(key: string, args: readonly string[], table: OptionTable): ConfigProblem[] {
  const { problems } = scanOptions(args, table);
  return problems.map(({ index, message }) => ({ path: [key, index], message }));
}
