import { PenstockError } from "@penstock/common";
import type { Options } from "yargs";
import type { RestoreOptions } from "../producers/producer.ts";

/** What can be said on the command line of one restore. */
export interface RestoreOptionArguments {
  readonly map: readonly string[];
  readonly "content-ids": string | undefined;
  readonly "metadata-only": boolean;
  readonly table: readonly string[];
  /** What stands behind `--`. */
  readonly "--"?: readonly string[];
}

/** The options of `restore` about what is restored, and where. */
export const RESTORE_OPTIONS: Readonly<
  Record<"map" | "content-ids" | "metadata-only" | "table", Options>
> = {
  map: {
    type: "string",
    array: true,
    nargs: 1,
    default: [],
    describe: "FROM=TO: what was backed up by agent FROM is restored by agent TO; repeatable",
  },
  "content-ids": {
    type: "string",
    requiresArg: true,
    describe: "Only the streams of these content ids, e.g. 0,3 (-1 is the coordinator)",
  },
  "metadata-only": { type: "boolean", default: false, describe: "No data" },
  table: {
    type: "string",
    array: true,
    nargs: 1,
    default: [],
    describe: "SCHEMA.TABLE: only this one; repeatable",
  },
};

/** Throws `usage` for what cannot be understood. */
export function toRestoreOptions(args: RestoreOptionArguments): RestoreOptions {
  const contentIds = args["content-ids"];
  return {
    hosts: Object.fromEntries(toHosts(args.map)),
    ...(contentIds === undefined ? {} : { contentIds: toContentIds(contentIds) }),
    metadataOnly: args["metadata-only"],
    tables: args.table.map(toTable),
    extra: (args["--"] ?? []).map(String),
  };
}

function toHosts(pairs: readonly string[]): Map<string, string> {
  const hosts = new Map<string, string>();
  for (const pair of pairs) {
    const [from = "", to = "", ...more] = pair.split("=");
    if (from === "" || to === "" || more.length > 0) {
      throw new PenstockError("usage", `--map ${pair}: allowed: FROM=TO, two names of agents`);
    }
    if (hosts.has(from)) throw new PenstockError("usage", `--map names ${from} more than once`);
    hosts.set(from, to);
  }
  return hosts;
}

function toContentIds(text: string): number[] {
  return text.split(",").map((id) => {
    if (/^(-1|\d{1,6})$/.test(id)) return Number(id);
    const message = `--content-ids ${text}: allowed: content ids with commas between them, e.g. 0,3`;
    throw new PenstockError("usage", message);
  });
}

/** A table's name may hold dots of its own; that it has a schema can be told. */
function toTable(name: string): string {
  if (/^[^.].*\../s.test(name)) return name;
  throw new PenstockError("usage", `--table ${name}: allowed: SCHEMA.TABLE`);
}
