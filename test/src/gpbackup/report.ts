import type { BackupConfig } from "./backup-config.ts";
import { GPBACKUP_VERSION } from "./backup-config.ts";

/** What a report says besides its backup's configuration. */
export interface ReportFacts {
  readonly commandLine: string;
  readonly start: Date;
  readonly end: Date;
  /** Of a failed run. */
  readonly error: string | undefined;
  readonly tables: number;
  readonly indexes: number;
}

/** gpbackup's report. */
export function toBackupReport(config: BackupConfig, facts: ReportFacts): string {
  const blocks = [
    [
      ["timestamp key", config.timestamp],
      ["gpdb version", config.databaseversion],
      ["gpbackup version", config.backupversion],
    ],
    [
      ["database name", config.databasename],
      ["command line", facts.commandLine],
      ["compression", config.compressed ? config.compressiontype : "None"],
      ["plugin executable", config.plugin],
      ["backup section", "All Sections"],
      ["object filtering", config.includetablefiltered ? "Include Table Filter" : "None"],
      ["includes statistics", config.withstatistics ? "Yes" : "No"],
      [
        "data file format",
        `${config.singledatafile ? "Single Data File" : "Multiple Data Files"} Per Segment`,
      ],
      ["incremental", config.incremental ? "True" : "False"],
      ...(config.incremental ? incrementalSet(config) : []),
    ],
    times(facts),
    [
      ["backup status", config.status],
      ...(facts.error === undefined ? [] : [["backup error", facts.error]]),
    ],
    [["segment count", `${config.segmentcount}`]],
  ];
  const counts = [
    `indexes                      ${facts.indexes}`,
    `tables                       ${facts.tables}`,
  ];
  const objects = ["count of database objects in backup:", ...counts].join("\n");
  return `Greenplum Database Backup Report\n\n${toText(blocks)}\n${objects}\n`;
}

/** gprestore's report. */
export function toRestoreReport(
  config: BackupConfig,
  facts: Omit<ReportFacts, "tables" | "indexes"> & {
    readonly database: string;
    readonly status: string;
  },
): string {
  const blocks = [
    [
      ["timestamp key", config.timestamp],
      ["gpdb version", config.databaseversion],
      ["gprestore version", GPBACKUP_VERSION],
    ],
    [
      ["database name", facts.database],
      ["command line", facts.commandLine],
    ],
    [
      ["backup segment count", `${config.segmentcount}`],
      ["restore segment count", `${config.segmentcount}`],
      ...times(facts),
    ],
    [
      ["restore status", facts.status],
      ...(facts.error === undefined ? [] : [["restore error", facts.error]]),
    ],
  ];
  return `Greenplum Database Restore Report\n\n${toText(blocks)}`;
}

function incrementalSet({ restoreplan }: BackupConfig): string[][] {
  return [["incremental backup set", ""], ...restoreplan.map(({ timestamp }) => [timestamp, ""])];
}

function times({ start, end }: Pick<ReportFacts, "start" | "end">): string[][] {
  const seconds = Math.round((end.getTime() - start.getTime()) / 1000);
  const duration = `0:${pad(Math.floor(seconds / 60))}:${pad(seconds % 60)}`;
  return [
    ["start time", toDate(start)],
    ["end time", toDate(end)],
    ["duration", duration],
  ];
}

function toText(blocks: readonly (readonly string[])[][]): string {
  const labels = blocks.flat().map(([label = ""]) => label.length);
  const width = Math.max(...labels) + 4;
  const toLine = ([label = "", value = ""]: readonly string[]): string =>
    `${/^\d+$/.test(label) ? label : `${label}:`}`.padEnd(width) + value;
  return blocks.map((block) => `${block.map(toLine).join("\n")}\n`).join("\n");
}

function toDate(time: Date): string {
  const [day, month, date, year] = time.toDateString().match(/\S+/g) ?? [];
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(pad).join(":");
  return [day, month, date, year, clock].join(" ");
}

function pad(number: number): string {
  return `${number}`.padStart(2, "0");
}
