import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type BackupConfig,
  DATABASE_VERSION,
  GPBACKUP_VERSION,
  type RestorePlanEntry,
} from "./backup-config.ts";
import { fullName } from "./catalogue.ts";
import { backupDir, coordinatorFile, segmentTocFile, toTimestamp } from "./files.ts";
import { statementOf } from "./metadata.ts";
import type { RestoreOptions } from "./options.ts";
import { StoragePlugin } from "./plugin.ts";
import { toRestoreReport } from "./report.ts";
import { restoreData } from "./restore-data.ts";
import { createDatabase, executeEverywhere, isWanted, neededEntries } from "./restore-metadata.ts";
import type { ProgramContext } from "./run-program.ts";
import { readYaml, type Toc, type TocEntry } from "./toc.ts";

/** One run of gprestore, in gprestore's order, with its ways to fail. */
export class RestoreSession {
  readonly #context: ProgramContext;
  readonly #options: RestoreOptions;
  readonly #commandLine: string;
  readonly #start = new Date();
  readonly #restoreTimestamp = toTimestamp(new Date());
  #plugin: StoragePlugin | undefined;
  #config: BackupConfig | undefined;
  #error: string | undefined;

  constructor(context: ProgramContext, options: RestoreOptions, commandLine: string) {
    this.#context = context;
    this.#options = options;
    this.#commandLine = commandLine;
  }

  /** Logs what fails; the log then knows the exit status. */
  async run(): Promise<void> {
    const { log, work } = this.#context;
    try {
      const plugin = await this.#prepare();
      await this.#restore(plugin, await this.#readConfig(plugin));
    } catch (error) {
      await work.untilNotTerminated();
      this.#error = error instanceof Error ? error.message : String(error);
      log.critical(this.#error);
    }
    await this.#finish().catch((error: Error) => log.error(error.message));
    log.info("Beginning cleanup");
    await this.cleanUp();
    log.info("Cleanup complete");
    if (log.exitStatus === 0) log.info("Restore completed successfully");
  }

  /** Ends what is under way. */
  async cleanUp(): Promise<void> {
    this.#context.work.cancelCopies();
    await this.#context.work.stopHelpers();
  }

  async #prepare(): Promise<StoragePlugin> {
    const { state, log } = this.#context;
    const { timestamp, pluginConfig } = this.#options;
    log.info(`Restore Key = ${timestamp}`);
    log.info(`Reading Plugin Config ${pluginConfig}`);
    const plugin = await StoragePlugin.open({
      state,
      log,
      purpose: "restore",
      timestamp,
      configFile: pluginConfig,
      configTimestamp: this.#restoreTimestamp,
    });
    this.#plugin = plugin;
    log.info(`plugin config path: ${plugin.configOn(state.coordinator)}`);
    await this.#makeFolders(timestamp);
    await plugin.checkVersions();
    await plugin.setUp();
    log.info(`gpbackup version = ${GPBACKUP_VERSION}`);
    log.info(`gprestore version = ${GPBACKUP_VERSION}`);
    log.info(`Greenplum Database Version = ${DATABASE_VERSION}`);
    return plugin;
  }

  async #readConfig(plugin: StoragePlugin): Promise<BackupConfig> {
    const { withStatistics } = this.#options;
    await plugin.file("restore_file", this.#file("config.yaml"));
    const config = await readYaml<BackupConfig>(this.#file("config.yaml"));
    this.#config = config;
    if (config.segmentcount !== this.#context.state.segments.length) {
      throw new Error(`Cannot restore a backup taken on ${config.segmentcount} segments`);
    }
    await plugin.file("restore_file", this.#file("metadata.sql"));
    await plugin.file("restore_file", this.#file("report"));
    if (withStatistics) await plugin.file("restore_file", this.#file("statistics.sql"));
    for (const { timestamp } of this.#planOf(config)) {
      await this.#makeFolders(timestamp);
      await plugin.file("restore_file", this.#file("toc.yaml", timestamp));
      if (!config.singledatafile) continue;
      await plugin.segmentFiles("restore_file", (segment) => segmentTocFile(segment, timestamp));
    }
    return config;
  }

  async #restore(plugin: StoragePlugin, config: BackupConfig): Promise<void> {
    const { log } = this.#context;
    const database = this.#options.redirectDatabase ?? config.databasename;
    const wanted = this.#options.includeTables;
    if (this.#options.createDatabase) {
      log.info("Creating database");
      await createDatabase(this.#context.state, database);
      log.info(`Database creation complete for: ${database}`);
    }
    const toc = await readYaml<Toc>(this.#file("toc.yaml"));
    log.info("Restoring pre-data metadata");
    await this.#execute(database, "metadata.sql", neededEntries(toc.predataentries, wanted));
    log.info("Pre-data metadata restore complete");
    await this.#restoreRows(plugin, config, database);
    log.info("Restoring post-data metadata");
    await this.#execute(database, "metadata.sql", neededEntries(toc.postdataentries, wanted));
    log.info("Post-data metadata restore complete");
    if (!this.#options.withStatistics) return;
    await this.#execute(database, "statistics.sql", neededEntries(toc.statisticsentries, wanted));
    log.info("Query planner statistics restore complete");
  }

  async #restoreRows(plugin: StoragePlugin, config: BackupConfig, database: string): Promise<void> {
    const { log } = this.#context;
    let failed = 0;
    for (const { timestamp, tablefqns } of this.#planOf(config)) {
      const { dataentries } = await readYaml<Toc>(this.#file("toc.yaml", timestamp));
      const entries = dataentries.filter(
        (entry) =>
          tablefqns.includes(fullName(entry)) && isWanted(entry, this.#options.includeTables),
      );
      const run = { ...this.#context, options: this.#options, plugin, config, database };
      failed += await restoreData({ ...run, timestamp, entries });
      if (failed > 0 && !this.#options.onErrorContinue) break;
    }
    if (failed > 0) {
      const where = `see log file ${log.path} for a list of table errors.`;
      log.error(`Encountered ${failed} error(s) during table data restore; ${where}`);
    }
    log.info(`Data restore ${failed > 0 ? "completed with failures" : "complete"}`);
  }

  async #execute(database: string, file: string, entries: readonly TocEntry[]): Promise<void> {
    const text = await readFile(this.#file(file));
    const statements = entries.map((entry) => statementOf(text, entry));
    await executeEverywhere(this.#context.state, database, statements);
  }

  async #finish(): Promise<void> {
    const { state, log } = this.#context;
    if (this.#config) {
      const name = `gprestore_${this.#options.timestamp}_${this.#restoreTimestamp}_report`;
      const file = join(backupDir(state.coordinator, this.#options.timestamp), name);
      await writeFile(file, this.#toReport(this.#config));
      log.info(`Email containing gprestore report ${file} will not be sent`);
    }
    await this.#plugin?.cleanUp();
  }

  #toReport(config: BackupConfig): string {
    const { log } = this.#context;
    const warning = `Success but non-fatal errors occurred. See log file ${log.path} for details.`;
    const status = ["Success", warning, "Failure"][log.exitStatus] ?? "Failure";
    return toRestoreReport(config, {
      commandLine: this.#commandLine,
      start: this.#start,
      end: new Date(),
      error: this.#error,
      database: this.#options.redirectDatabase ?? config.databasename,
      status,
    });
  }

  /** The backups that are needed, oldest first. */
  #planOf({ restoreplan }: BackupConfig): readonly RestorePlanEntry[] {
    const own = this.#options.timestamp;
    return restoreplan.filter(
      ({ timestamp, tablefqns }) => timestamp === own || tablefqns.length > 0,
    );
  }

  async #makeFolders(timestamp: string): Promise<void> {
    const { coordinator, segments } = this.#context.state;
    for (const segment of [coordinator, ...segments]) {
      await mkdir(backupDir(segment, timestamp), { recursive: true });
    }
  }

  #file(name: string, timestamp: string = this.#options.timestamp): string {
    return coordinatorFile(this.#context.state.coordinator, timestamp, name);
  }
}
