import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Instance } from "./catalogue.ts";
import type { GpRestoreOptions } from "./gp-restore-options.ts";

/** How an instance's restore went: the agent's exit status and what it has found. */
export interface Restored {
  readonly instance: Instance;
  readonly path: string;
  /** 0 is good, 2 means errors in the SQL. */
  readonly status: number;
  readonly text: string;
}

/** Writes the report of a restore, and returns gp_restore's exit status. */
export async function writeRestoreReport(
  options: GpRestoreOptions,
  restored: readonly Restored[],
): Promise<number> {
  const { names, commandLine, reportFolder, parts } = options;
  const isFailure = (one: Restored): boolean => one.status !== 0 && one.status !== 2;
  const failures = restored.filter(isFailure).length;
  const hasErrors = restored.some(({ status }) => status === 2);
  const last = restored.filter(({ instance }) => instance.content === -1).slice(-1);
  const segments = restored.filter(({ instance }) => instance.content >= 0);
  const newestFirst = [...segments].sort((a, b) => b.instance.content - a.instance.content);
  const passed = parts.postData ? " --post-data-schema-only" : "";
  const lines = [
    "",
    "Greenplum Database Restore Report",
    `Timestamp Key: ${names.key}`,
    `gp_restore Command Line: ${commandLine}`,
    `Pass through Command Line Options: --status ${reportFolder}${passed}`,
    `Compression Program: ${names.isCompressed ? "gunzip" : "None"}`,
    "",
    "Individual Results",
    ...[...last, ...newestFirst].map((one) => toLine(options, one)),
    "",
    ending(failures, hasErrors),
  ];
  const path = join(reportFolder, `${names.prefix}gp_restore_${names.key}.rpt`);
  await writeFile(path, `${lines.join("\n")}\n`);
  if (failures > 0) return 1;
  return hasErrors ? 2 : 0;
}

function toLine(
  { database }: GpRestoreOptions,
  { instance, path, status, text }: Restored,
): string {
  const { dbid, host, port } = instance;
  const head = `\tRestore of ${database} on dbid ${dbid} (${host}:${port}) from ${path}: `;
  if (status === 0) return `${head}Succeeded`;
  const kind = status === 2 ? "Finished but errors were found" : "Failed with error";
  return `${head}${kind}: \n{ ${text}\n}`;
}

function ending(failures: number, hasErrors: boolean): string {
  if (failures > 0)
    return `gp_restore  utility finished unsuccessfully with  ${failures}  failures.`;
  if (hasErrors) return "gp_restore  utility finished but errors were found.";
  return "gp_restore  utility finished successfully.";
}
