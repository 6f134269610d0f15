import { access, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import type { ClusterState } from "./state.ts";

/** `config.yaml`: how a backup was made and how it ended; its fields in gpbackup's order. */
export interface BackupConfig {
  readonly backupdir: string;
  readonly backupversion: string;
  readonly compressed: boolean;
  readonly compressiontype: string;
  readonly databasename: string;
  readonly databaseversion: string;
  readonly segmentcount: number;
  readonly dataonly: boolean;
  readonly datedeleted: string;
  readonly excluderelations: readonly string[];
  readonly excludeschemafiltered: boolean;
  readonly excludeschemas: readonly string[];
  readonly excludetablefiltered: boolean;
  readonly includerelations: readonly string[];
  readonly includeschemafiltered: boolean;
  readonly includeschemas: readonly string[];
  readonly includetablefiltered: boolean;
  readonly incremental: boolean;
  readonly leafpartitiondata: boolean;
  readonly metadataonly: boolean;
  readonly plugin: string;
  readonly pluginversion: string;
  readonly restoreplan: readonly RestorePlanEntry[];
  readonly singledatafile: boolean;
  readonly timestamp: string;
  readonly endtime: string;
  readonly withoutglobals: boolean;
  readonly withstatistics: boolean;
  readonly status: "In Progress" | "Success" | "Failure";
}

/** Which tables' rows are in the backup of that timestamp. */
export interface RestorePlanEntry {
  readonly timestamp: string;
  readonly tablefqns: readonly string[];
}

export const GPBACKUP_VERSION = "1.30.5";
export const DATABASE_VERSION = "5.9.0 build dev";

/** The coordinator's history of backups, oldest first. */
export async function readHistory(state: ClusterState): Promise<BackupConfig[]> {
  const path = historyFile(state);
  const exists = await access(path).then(
    () => true,
    () => false,
  );
  return exists ? (parse(await readFile(path, "utf8")) as BackupConfig[]) : [];
}

/** Adds a backup to the history. */
export async function addToHistory(state: ClusterState, config: BackupConfig): Promise<void> {
  await writeFile(historyFile(state), stringify([...(await readHistory(state)), config]));
}

function historyFile({ coordinator }: ClusterState): string {
  return join(coordinator.dataDir, "gpbackup_history.yaml");
}
