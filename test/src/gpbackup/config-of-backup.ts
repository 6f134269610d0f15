import {
  type BackupConfig,
  DATABASE_VERSION,
  GPBACKUP_VERSION,
  type RestorePlanEntry,
} from "./backup-config.ts";
import { toTimestamp } from "./files.ts";
import type { BackupOptions } from "./options.ts";

/** What `config.yaml` says besides gpbackup's options. */
export interface BackupFacts {
  readonly segments: number;
  readonly plugin: string;
  readonly pluginVersion: string;
  readonly restorePlan: readonly RestorePlanEntry[];
  readonly timestamp: string;
  readonly isGood: boolean;
}

/** `config.yaml` of a backup that has ended. */
export function toBackupConfig(options: BackupOptions, facts: BackupFacts): BackupConfig {
  return {
    backupdir: "",
    backupversion: GPBACKUP_VERSION,
    compressed: options.compressed,
    compressiontype: "gzip",
    databasename: options.database,
    databaseversion: DATABASE_VERSION,
    segmentcount: facts.segments,
    dataonly: false,
    datedeleted: "",
    excluderelations: [],
    excludeschemafiltered: false,
    excludeschemas: [],
    excludetablefiltered: false,
    includerelations: options.includeTables,
    includeschemafiltered: false,
    includeschemas: [],
    includetablefiltered: options.includeTables.length > 0,
    incremental: options.incremental,
    leafpartitiondata: options.leafPartitionData,
    metadataonly: false,
    plugin: facts.plugin,
    pluginversion: facts.pluginVersion,
    restoreplan: facts.restorePlan,
    singledatafile: options.singleDataFile,
    timestamp: facts.timestamp,
    endtime: toTimestamp(new Date()),
    withoutglobals: false,
    withstatistics: options.withStatistics,
    status: facts.isGood ? "Success" : "Failure",
  };
}
