import { parseArgs } from "node:util";
import type { SetNames } from "./file-names.ts";
import type { GreenplumState } from "./state.ts";

/** What gp_dump was told. */
export interface GpDumpOptions {
  readonly port: number;
  /** As given: absolute, or below each data directory. */
  readonly folder: string;
  readonly reportFolder: string;
  readonly database: string;
  readonly names: SetNames;
  /** Passed on to the agents. */
  readonly filter: readonly string[];
  /** As it is shown in the report. */
  readonly commandLine: string;
}

/** Reads gp_dump's command line. */
export function parseGpDumpOptions(
  args: readonly string[],
  { settings }: GreenplumState,
): GpDumpOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      p: { type: "string", short: "p" },
      U: { type: "string", short: "U" },
      "gp-d": { type: "string" },
      "gp-r": { type: "string" },
      "gp-s": { type: "string" },
      "gp-k": { type: "string" },
      "gp-c": { type: "boolean" },
      "no-lock": { type: "boolean" },
      "no-expand-children": { type: "boolean" },
      prefix: { type: "string" },
      ...Object.fromEntries(FILTERS.map((name) => [name, { type: "string" } as const])),
    },
  });
  const given: Readonly<Record<string, string | boolean | undefined>> = values;
  return {
    port: Number(values.p),
    folder: String(values["gp-d"]),
    reportFolder: String(values["gp-r"]),
    database: positionals[0] ?? "",
    names: {
      key: String(values["gp-k"]),
      prefix: values.prefix ?? "",
      naming: settings.naming,
      isCompressed: values["gp-c"] ?? false,
    },
    filter: FILTERS.flatMap((name) =>
      given[name] === undefined ? [] : [`--${name}=${given[name]}`],
    ),
    commandLine: args.join(" "),
  };
}

const FILTERS = ["table-file", "exclude-table-file", "schema-file", "exclude-schema-file"];
