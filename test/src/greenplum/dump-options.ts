import { parseArgs } from "node:util";
import { ToolFailure } from "./tool-log.ts";

/** What gpcrondump was told. */
export interface DumpOptions {
  readonly databases: readonly string[];
  readonly key: string | undefined;
  /** Of `-u`. */
  readonly root: string | undefined;
  /** With its underscore, or empty. */
  readonly prefix: string;
  readonly isListing: boolean;
  readonly isIncremental: boolean;
  readonly isCompressed: boolean;
  readonly hasPrompt: boolean;
  readonly skipsDiskCheck: boolean;
  readonly withConfigs: boolean;
  readonly withGlobals: boolean;
  readonly withStatistics: boolean;
  readonly withHistory: boolean;
  readonly rollsBack: boolean;
  readonly filter: DumpFilter | undefined;
}

/** Which tables a dump has. */
interface DumpFilter {
  readonly kind: "include" | "exclude";
  readonly of: "table" | "schema";
  /** `schema.table`, or `schema`. */
  readonly names: readonly string[];
}

const flag = (short?: string): { type: "boolean"; short?: string } =>
  short === undefined ? { type: "boolean" } : { type: "boolean", short };
const text = (short?: string): { type: "string"; multiple: true; short?: string } =>
  short === undefined
    ? { type: "string", multiple: true }
    : { type: "string", multiple: true, short };

const OPTIONS = {
  x: text("x"),
  K: text("K"),
  u: text("u"),
  prefix: text(),
  a: flag("a"),
  b: flag("b"),
  g: flag("g"),
  G: flag("G"),
  z: flag("z"),
  h: flag("h"),
  H: flag("H"),
  r: flag("r"),
  v: flag("v"),
  "dump-stats": flag(),
  "list-backup-files": flag(),
  incremental: flag(),
  rsyncable: flag(),
  t: text("t"),
  T: text("T"),
  s: text("s"),
  S: text("S"),
} as const;

/** Reads gpcrondump's command line. Throws as the tool does. */
export function parseDumpOptions(args: readonly string[]): DumpOptions {
  const values = parse(args);
  const options: DumpOptions = {
    databases: (values.x ?? []).flatMap((names) => names.split(",")),
    key: values.K?.at(-1),
    root: values.u?.at(-1),
    prefix: values.prefix === undefined ? "" : `${values.prefix.at(-1)}_`,
    isListing: values["list-backup-files"] ?? false,
    isIncremental: values.incremental ?? false,
    isCompressed: !values.z,
    hasPrompt: !values.a,
    skipsDiskCheck: values.b ?? false,
    withConfigs: values.g ?? false,
    withGlobals: values.G ?? false,
    withStatistics: values["dump-stats"] ?? false,
    withHistory: !values.H,
    rollsBack: values.r ?? false,
    filter: toFilter(values),
  };
  assertPossible(options, (values.h ?? false) && (values.H ?? false));
  return options;
}

function parse(args: readonly string[]): ReturnType<typeof parseAll>["values"] {
  try {
    return parseAll(args).values;
  } catch (cause) {
    const [, option = "?"] = /'(-[^' ]*)/.exec(String(cause)) ?? [];
    throw new ToolFailure(`gpcrondump error: no such option: ${option}`, { cause });
  }
}

function parseAll(args: readonly string[]) {
  return parseArgs({ args: [...args], options: OPTIONS, strict: true });
}

function toFilter(values: ReturnType<typeof parse>): DumpFilter | undefined {
  if (values.t) return { kind: "include", of: "table", names: values.t };
  if (values.T) return { kind: "exclude", of: "table", names: values.T };
  if (values.s) return { kind: "include", of: "schema", names: values.s };
  if (values.S) return { kind: "exclude", of: "schema", names: values.S };
  return undefined;
}

function assertPossible(options: DumpOptions, hasBothHistories: boolean): void {
  const { databases, key, root, isListing, isIncremental, filter } = options;
  const fail = (reason: string): never => {
    throw new ToolFailure(`gpcrondump error: ${reason}`);
  };
  if (isListing && key === undefined) {
    throw failed("Must supply -K option when listing backup files");
  }
  if (databases.length === 0) fail("Must supply -x <database name> option");
  if (databases.length > 1 && key !== undefined) {
    fail("multi-database backup is not supported with -K option");
  }
  if (root !== undefined && !root.startsWith("/")) {
    fail("-u option must be an absolute path");
  }
  if (hasBothHistories) fail("-H option cannot be selected with -h option");
  if (isIncremental && filter) fail("include or exclude options not supported with incremental");
}

/** As gpcrondump reports what its code throws. */
export function failed(reason: string): ToolFailure {
  return new ToolFailure(`gpcrondump failed. (Reason='${reason}') exiting...`, {
    level: "CRITICAL",
  });
}
