import { parseArgs } from "node:util";
import type { SetNames } from "./file-names.ts";

/** What gp_restore was told. */
export interface GpRestoreOptions {
  /** The coordinator's, if it was said. */
  readonly port: number | undefined;
  /** Of the only instances that take part, as by `--gp-l=i[2,3]`. */
  readonly dbids: readonly number[] | undefined;
  /** As given: absolute, or below each data directory. */
  readonly folder: string;
  readonly reportFolder: string;
  readonly database: string;
  readonly names: SetNames;
  /** A file of table names. */
  readonly filter: string | undefined;
  /** What this pass restores. */
  readonly parts: { readonly schema: boolean; readonly data: boolean; readonly postData: boolean };
  /** As it is shown in the report. */
  readonly commandLine: string;
}

/** Reads gp_restore's command line. */
export function parseGpRestoreOptions(args: readonly string[]): GpRestoreOptions {
  const flag = { type: "boolean" } as const;
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      i: { ...flag, short: "i" },
      h: { ...text, short: "h" },
      p: { ...text, short: "p" },
      U: { ...text, short: "U" },
      d: { ...text, short: "d" },
      s: { ...text, short: "s" },
      a: { ...flag, short: "a" },
      P: { ...flag, short: "P" },
      ...{ "gp-d": text, "gp-i": flag, "gp-k": text, "gp-l": text, "gp-r": text },
      ...{ status: text, prefix: text, "gp-f": text, "gp-c": flag, naming: text },
    },
  });
  const { s, a = false, P = false } = values;
  const dbids = /^i\[([\d,]+)\]$/
    .exec(values["gp-l"] ?? "")?.[1]
    ?.split(",")
    .map(Number);
  const hasCoordinator = dbids === undefined || dbids.includes(1);
  return {
    port: values.p === undefined ? undefined : Number(values.p),
    dbids,
    folder: String(values["gp-d"]),
    reportFolder: String(values["gp-r"]),
    database: String(values.d),
    names: {
      key: String(values["gp-k"]),
      prefix: values.prefix ?? "",
      naming: values.naming === "4.3" ? "4.3" : "5",
      isCompressed: values["gp-c"] ?? false,
    },
    filter: values["gp-f"],
    parts: {
      schema: hasCoordinator && (s !== undefined || (!a && !P)),
      data: a || (s === undefined && !P),
      postData: hasCoordinator && ((P && s === undefined) || (!a && !P)),
    },
    commandLine: args.filter((word) => !word.startsWith("--naming=")).join(" "),
  };
}
