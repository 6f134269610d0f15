import { parseArgs } from "node:util";
import { ToolFailure } from "./tool-log.ts";

/** What gpdbrestore was told. */
export interface RestoreOptions {
  readonly key: string;
  readonly root: string | undefined;
  /** With its underscore, or empty. */
  readonly prefix: string;
  readonly dropsDatabase: boolean;
  readonly withGlobals: boolean;
  readonly withStatistics: boolean;
  readonly withAnalyze: boolean;
  readonly isMetadataOnly: boolean;
  readonly listsTables: boolean;
  /** Another database to restore into. */
  readonly redirect: string | undefined;
  /** `schema.table`; empty means all. */
  readonly tables: readonly string[];
  readonly tableFile: string | undefined;
}

const OPTIONS = {
  a: { type: "boolean", short: "a" },
  t: { type: "string", short: "t" },
  u: { type: "string", short: "u" },
  prefix: { type: "string" },
  e: { type: "boolean", short: "e" },
  G: { type: "boolean", short: "G" },
  m: { type: "boolean", short: "m" },
  L: { type: "boolean", short: "L" },
  T: { type: "string", short: "T", multiple: true },
  v: { type: "boolean", short: "v" },
  "table-file": { type: "string" },
  "restore-stats": { type: "boolean" },
  noanalyze: { type: "boolean" },
  redirect: { type: "string" },
} as const;

/** Reads gpdbrestore's command line. Throws as the tool does; it knows no `-x`. */
export function parseRestoreOptions(args: readonly string[]): RestoreOptions {
  const values = parse(args);
  if (values.t === undefined) {
    throw new ToolFailure("gpdbrestore error: Must supply -t <timestamp> option");
  }
  return {
    key: values.t,
    root: values.u,
    prefix: values.prefix === undefined ? "" : `${values.prefix}_`,
    dropsDatabase: values.e ?? false,
    withGlobals: values.G ?? false,
    withStatistics: values["restore-stats"] ?? false,
    withAnalyze: !values.noanalyze,
    isMetadataOnly: values.m ?? false,
    listsTables: values.L ?? false,
    redirect: values.redirect,
    tables: values.T ?? [],
    tableFile: values["table-file"],
  };
}

function parse(args: readonly string[]): ReturnType<typeof parseAll>["values"] {
  try {
    return parseAll(args).values;
  } catch (cause) {
    const [, option = "?"] = /'(-[^' ]*)/.exec(String(cause)) ?? [];
    throw new ToolFailure(`gpdbrestore error: no such option: ${option}`, { cause });
  }
}

function parseAll(args: readonly string[]) {
  return parseArgs({ args: [...args], options: OPTIONS, strict: true });
}

/** As gpdbrestore reports what its code throws. */
export function restoreFailed(reason: string): ToolFailure {
  return new ToolFailure(`gpdbrestore failed. (Reason='${reason}') exiting...`, {
    level: "CRITICAL",
  });
}
