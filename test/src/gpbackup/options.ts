import { parseArgs } from "node:util";

/** How gpbackup is called. */
export interface BackupOptions {
  readonly database: string;
  readonly pluginConfig: string;
  readonly singleDataFile: boolean;
  /** Of single-file mode: how many tables are begun before they are read. */
  readonly copyQueueSize: number;
  /** Of multi-file mode: tables at a time. */
  readonly jobs: number;
  readonly compressed: boolean;
  readonly incremental: boolean;
  readonly leafPartitionData: boolean;
  readonly includeTables: readonly string[];
  readonly withStatistics: boolean;
}

/** How gprestore is called. */
export interface RestoreOptions {
  readonly timestamp: string;
  readonly pluginConfig: string;
  readonly redirectDatabase: string | undefined;
  readonly createDatabase: boolean;
  readonly includeTables: readonly string[];
  readonly onErrorContinue: boolean;
  readonly copyQueueSize: number;
  readonly jobs: number;
  readonly withStatistics: boolean;
}

/** Throws what the user must hear. */
export function parseBackupOptions(args: readonly string[]): BackupOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      dbname: { type: "string" },
      "plugin-config": { type: "string" },
      "single-data-file": { type: "boolean", default: false },
      "copy-queue-size": { type: "string" },
      jobs: { type: "string" },
      "no-compression": { type: "boolean", default: false },
      "compression-type": { type: "string", default: "gzip" },
      incremental: { type: "boolean", default: false },
      "leaf-partition-data": { type: "boolean", default: false },
      "include-table": { type: "string", multiple: true, default: [] },
      "with-stats": { type: "boolean", default: false },
    },
  });
  const single = values["single-data-file"];
  refuse(single && values.jobs !== undefined, "jobs, single-data-file");
  if (values["compression-type"] !== "gzip") throw new Error("this stand-in knows gzip alone");
  if (!single && values["copy-queue-size"] !== undefined) {
    throw new Error("--copy-queue-size must be specified with --single-data-file");
  }
  if (values.incremental && !values["leaf-partition-data"]) {
    throw new Error("--leaf-partition-data must be specified with --incremental");
  }
  return {
    database: needed("dbname", values.dbname),
    pluginConfig: needed("plugin-config", values["plugin-config"]),
    singleDataFile: single,
    copyQueueSize: toCount("copy-queue-size", values["copy-queue-size"]),
    jobs: toCount("jobs", values.jobs),
    compressed: !values["no-compression"],
    incremental: values.incremental,
    leafPartitionData: values["leaf-partition-data"],
    includeTables: values["include-table"],
    withStatistics: values["with-stats"],
  };
}

/** Throws what the user must hear. */
export function parseRestoreOptions(args: readonly string[]): RestoreOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      timestamp: { type: "string" },
      "plugin-config": { type: "string" },
      "redirect-db": { type: "string" },
      "create-db": { type: "boolean", default: false },
      "include-table": { type: "string", multiple: true, default: [] },
      "on-error-continue": { type: "boolean", default: false },
      "copy-queue-size": { type: "string" },
      jobs: { type: "string" },
      "with-stats": { type: "boolean", default: false },
    },
  });
  const timestamp = needed("timestamp", values.timestamp);
  if (!/^\d{14}$/.test(timestamp)) throw new Error(`Timestamp ${timestamp} is invalid`);
  return {
    timestamp,
    pluginConfig: needed("plugin-config", values["plugin-config"]),
    redirectDatabase: values["redirect-db"],
    createDatabase: values["create-db"],
    includeTables: values["include-table"],
    onErrorContinue: values["on-error-continue"],
    copyQueueSize: toCount("copy-queue-size", values["copy-queue-size"]),
    jobs: toCount("jobs", values.jobs),
    withStatistics: values["with-stats"],
  };
}

function needed(name: string, value: string | undefined): string {
  if (value === undefined) throw new Error(`required flag(s) "${name}" not set`);
  return value;
}

function toCount(name: string, value = "1"): number {
  if (!/^[1-9]\d*$/.test(value)) throw new Error(`--${name} must be a positive number`);
  return Number(value);
}

function refuse(isWrong: boolean, flags: string): void {
  if (isWrong) throw new Error(`The following flags may not be specified together: ${flags}`);
}
