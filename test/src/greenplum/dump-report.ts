import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Instance } from "./catalogue.ts";
import { launchFolder } from "./dump-launch.ts";
import type { Result } from "./dump-watch.ts";
import { dataName, setFileName } from "./file-names.ts";
import type { GpDumpOptions } from "./gp-dump-options.ts";

/** An instance and how its dump is said to have gone. */
export interface Outcome {
  readonly instance: Instance;
  readonly result: Result;
}

/** Writes the `.rpt` of a dump, and returns gp_dump's exit status. */
export async function writeDumpReport(
  options: GpDumpOptions,
  outcomes: readonly Outcome[],
): Promise<number> {
  const { names, commandLine, filter, reportFolder } = options;
  const segments = outcomes.filter(({ instance }) => instance.content >= 0);
  const newestFirst = [...segments].sort((a, b) => b.instance.content - a.instance.content);
  const coordinators = outcomes.filter(({ instance }) => instance.content === -1);
  const passed = filter.length === 0 ? "None" : filter.join(" ").replaceAll("=", " ");
  const lines = [
    "",
    "Greenplum Database Backup Report",
    `Timestamp Key: ${names.key}`,
    `gp_dump Command Line: ${commandLine}`,
    `Pass through Command Line Options: ${passed}`,
    `Compression Program: ${names.isCompressed ? "gzip" : "None"}`,
    "Backup Type: Full",
    "",
    "Individual Results",
    ...newestFirst.map((outcome) => toLine(options, outcome, "")),
    ...coordinators.map((outcome) => toLine(options, outcome, "")),
    ...coordinators.map((outcome) => toLine(options, outcome, "_post_data")),
    "",
    ending(outcomes),
  ];
  await writeFile(join(reportFolder, setFileName(names, ".rpt")), `${lines.join("\n")}\n`);
  return exitStatus(outcomes);
}

/** The file of what comes after the data is misnamed: its suffix is behind `.gz`. */
function toLine(options: GpDumpOptions, { instance, result }: Outcome, suffix: string): string {
  const { content, dbid, host, port } = instance;
  const who = content === -1 ? "Master" : `segment ${content}`;
  const file = join(launchFolder(options, instance), dataName(options.names, instance)) + suffix;
  const where = `Host ${host} Port ${port} Database ${options.database} BackupFile ${file}`;
  return `\t${who} (dbid ${dbid}) ${where}: ${toText(result)}`;
}

function toText(result: Result): string {
  if (result.kind === "succeeded") return "Succeeded ";
  const head = result.kind === "failed" ? "Failed with error" : "Finished but errors were found";
  return `${head}: \n{ ${result.text}\n}`;
}

function ending(outcomes: readonly Outcome[]): string {
  const failures = outcomes.filter(({ result }) => result.kind === "failed").length;
  if (failures > 0) return `gp_dump utility finished unsuccessfully with  ${failures}  failures.`;
  const hasErrors = outcomes.some(({ result }) => result.kind === "errors");
  if (hasErrors) return "gp_dump utility finished but errors were found.";
  return "gp_dump utility finished successfully.";
}

function exitStatus(outcomes: readonly Outcome[]): number {
  const kinds = outcomes.map(({ result }) => result.kind);
  if (kinds.includes("failed")) return 1;
  return kinds.includes("errors") ? 2 : 0;
}
