import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Instance, type Instances, readInstances } from "./catalogue.ts";
import { dumpDirectory, type SetNames, setFileName } from "./file-names.ts";
import { type RestoreOptions, restoreFailed } from "./restore-options.ts";
import type { GreenplumState } from "./state.ts";
import type { ToolLog } from "./tool-log.ts";

/** All that the steps of one gpdbrestore know. */
export interface RestoreSetting {
  readonly state: GreenplumState;
  readonly options: RestoreOptions;
  readonly log: ToolLog;
  readonly names: SetNames;
  readonly instances: Instances;
  /** The dumped one. */
  readonly source: string;
  /** The one to restore into. */
  readonly database: string;
  /** `schema.table`; empty means all. */
  readonly tables: readonly string[];
}

/** Learns from the report, which must be a regular file, what the set is. */
export async function toRestoreSetting(
  state: GreenplumState,
  options: RestoreOptions,
  log: ToolLog,
): Promise<RestoreSetting> {
  const instances = await readInstances(state.coordinator.port);
  const { key, prefix, root } = options;
  const folder = dumpDirectory(root ?? instances.coordinator.dataDirectory, key);
  const anyNames = { key, prefix, naming: "5", isCompressed: true } as const;
  const path = join(folder, setFileName(anyNames, ".rpt"));
  const file = await stat(path).catch(() => undefined);
  if (!file?.isFile())
    throw restoreFailed(`Report file does not exist for the given timestamp ${key}`);
  const report = await readFile(path, "utf8");
  const isCompressed = /^Compression Program: gzip$/m.test(report);
  const naming = report.includes(`gp_dump_1_1_${key}`) ? "4.3" : "5";
  const [, source = ""] = / Database (.+) BackupFile /.exec(report) ?? [];
  const names = { key, prefix, naming, isCompressed } as const;
  const database = options.redirect ?? source;
  const tables = await listedTables(options);
  return { state, options, log, names, instances, source, database, tables };
}

/** The folder of an instance's files. */
export function restoreFolder(
  { options, names }: Pick<RestoreSetting, "options" | "names">,
  instance: Instance,
): string {
  return dumpDirectory(options.root ?? instance.dataDirectory, names.key);
}

async function listedTables({ tables, tableFile }: RestoreOptions): Promise<readonly string[]> {
  if (tableFile === undefined) return tables.flatMap((names) => names.split(","));
  const lines = (await readFile(tableFile, "utf8")).split("\n");
  return lines.filter((line) => line !== "");
}
