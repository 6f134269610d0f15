import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import {
  addToHistory,
  type BackupConfig,
  DATABASE_VERSION,
  GPBACKUP_VERSION,
} from "./backup-config.ts";
import { backUpData, type RowCounts } from "./backup-data.ts";
import { fullName, isNamed, readTables, type Table } from "./catalogue.ts";
import { toBackupConfig } from "./config-of-backup.ts";
import { connect } from "./copy-on-segments.ts";
import { backupDir, coordinatorFile } from "./files.ts";
import { type DataPlan, planData } from "./incremental.ts";
import { takeTimestamp } from "./lock-file.ts";
import { type Metadata, toDataEntry, toMetadata, toStatistics } from "./metadata.ts";
import type { BackupOptions } from "./options.ts";
import { StoragePlugin } from "./plugin.ts";
import { toBackupReport } from "./report.ts";
import type { ProgramContext } from "./run-program.ts";
import { type Toc, writeYaml } from "./toc.ts";

/** One run of gpbackup, in gpbackup's order, with its ways to fail. */
export class BackupSession {
  readonly #context: ProgramContext;
  readonly #options: BackupOptions;
  readonly #commandLine: string;
  readonly #start = new Date();
  #timestamp = "";
  #lockFile = "";
  #plugin: StoragePlugin | undefined;
  #pluginVersion = "";
  #client: pg.Client | undefined;
  #tables: readonly Table[] = [];
  #plan: DataPlan = { tables: [], restorePlan: [], appendOptimized: {} };
  #error: string | undefined;

  constructor(context: ProgramContext, options: BackupOptions, commandLine: string) {
    this.#context = context;
    this.#options = options;
    this.#commandLine = commandLine;
  }

  /** Logs what fails; the log then knows the exit status. */
  async run(): Promise<void> {
    const { log, work } = this.#context;
    try {
      await this.#prepare();
      await this.#backUp();
    } catch (error) {
      await work.untilNotTerminated();
      this.#error = error instanceof Error ? error.message : String(error);
      log.critical(this.#error);
    }
    await this.#finish().catch((error: Error) => log.error(error.message));
    log.info("Beginning cleanup");
    await this.cleanUp();
    log.info("Cleanup complete");
    if (log.exitStatus === 0) log.info("Backup completed successfully");
  }

  /** Ends what is under way; in multi-file mode what the database does goes on to its end. */
  async cleanUp(): Promise<void> {
    const { work } = this.#context;
    if (this.#options.singleDataFile) work.cancelCopies();
    await work.stopHelpers();
    await this.#client?.end();
    await rm(this.#lockFile, { force: true });
  }

  async #prepare(): Promise<void> {
    const { state, log } = this.#context;
    const { database, pluginConfig } = this.#options;
    log.info(`gpbackup version = ${GPBACKUP_VERSION}`);
    log.info(`Greenplum Database Version = ${DATABASE_VERSION}`);
    log.info(`Starting backup of database ${database}`);
    const lock = await takeTimestamp(state);
    this.#timestamp = lock.timestamp;
    this.#lockFile = lock.file;
    for (const segment of [state.coordinator, ...state.segments]) {
      await mkdir(backupDir(segment, this.#timestamp), { recursive: true });
    }
    log.info(`Reading Plugin Config ${pluginConfig}`);
    this.#plugin = await StoragePlugin.open({
      state,
      log,
      purpose: "backup",
      timestamp: this.#timestamp,
      configFile: pluginConfig,
      configTimestamp: this.#timestamp,
    });
    this.#pluginVersion = await this.#plugin.checkVersions();
    await this.#plugin.setUp();
    log.info(`Backup Timestamp = ${this.#timestamp}`);
    log.info(`Backup Database = ${database}`);
  }

  async #backUp(): Promise<void> {
    const { state, log } = this.#context;
    const { database, includeTables } = this.#options;
    this.#client = await connect(state.coordinator, database);
    log.info("Gathering table state information");
    const tables = await readTables(this.#client);
    const isWanted = (table: Table): boolean =>
      includeTables.length === 0 || isNamed(table, includeTables);
    this.#tables = tables.filter(isWanted);
    log.info("Acquiring ACCESS SHARE locks on tables");
    await lockTables(this.#client, this.#tables);
    this.#plan = await planData(state, this.#options, this.#timestamp, this.#tables);
    const metadata = toMetadata(database, this.#tables);
    await this.#write("metadata.sql", metadata.text);
    log.info(`Metadata will be written to ${this.#file("metadata.sql")}`);
    const rows = await this.#copyRows();
    await this.#writeToc(metadata, rows);
    await this.#store("metadata.sql");
    await this.#store("toc.yaml");
    if (this.#options.withStatistics) await this.#store("statistics.sql");
    await this.#storePluginConfig();
  }

  async #copyRows(): Promise<RowCounts> {
    const { tables } = this.#plan;
    const plugin = this.#storage;
    const run = { ...this.#context, plugin, options: this.#options, timestamp: this.#timestamp };
    return tables.length === 0 ? new Map() : await backUpData({ ...run, tables });
  }

  async #writeToc(metadata: Metadata, rows: RowCounts): Promise<void> {
    const { globalentries, predataentries, postdataentries } = metadata;
    const statistics = toStatistics(this.#options.withStatistics ? this.#tables : []);
    if (this.#options.withStatistics) await this.#write("statistics.sql", statistics.text);
    const toc: Toc = {
      globalentries,
      predataentries,
      postdataentries,
      statisticsentries: statistics.entries,
      dataentries: this.#plan.tables.map((table) => toDataEntry(table, rows.get(table.oid) ?? 0)),
      incrementalmetadata: { ao: this.#plan.appendOptimized },
    };
    await writeYaml(this.#file("toc.yaml"), toc);
  }

  async #storePluginConfig(): Promise<void> {
    const config = this.#storage.configOn(this.#context.state.coordinator);
    await this.#write("plugin_config.yaml", await readFile(config, "utf8"));
    await this.#store("plugin_config.yaml");
  }

  /** Success or not: the last files tell which, and the hooks are called, unless a file fails. */
  async #finish(): Promise<void> {
    if (!this.#plugin) return;
    const { state, log } = this.#context;
    await delay(state.pauseMs); // so that no other backup gets the same timestamp
    const config = this.#toConfig();
    await writeYaml(this.#file("config.yaml"), config);
    await addToHistory(state, config);
    const counts = {
      tables: this.#tables.length,
      indexes: this.#tables.flatMap((t) => t.after).length,
    };
    const times = { start: this.#start, end: new Date(), commandLine: this.#commandLine };
    const report = toBackupReport(config, { ...counts, ...times, error: this.#error });
    await this.#write("report", report);
    await this.#store("config.yaml");
    log.info(`Email containing gpbackup report ${this.#file("report")} will not be sent`);
    await this.#store("report");
    await this.#plugin.cleanUp();
  }

  #toConfig(): BackupConfig {
    return toBackupConfig(this.#options, {
      segments: this.#context.state.segments.length,
      plugin: basename(this.#storage.executable),
      pluginVersion: this.#pluginVersion,
      restorePlan: this.#plan.restorePlan,
      timestamp: this.#timestamp,
      isGood: this.#error === undefined,
    });
  }

  get #storage(): StoragePlugin {
    if (!this.#plugin) throw new Error("no plugin");
    return this.#plugin;
  }

  #file(name: string): string {
    return coordinatorFile(this.#context.state.coordinator, this.#timestamp, name);
  }

  async #write(name: string, text: string): Promise<void> {
    await writeFile(this.#file(name), text, { mode: 0o444 });
  }

  async #store(name: string): Promise<void> {
    await this.#storage.file("backup_file", this.#file(name));
    await chmod(this.#file(name), 0o755);
  }
}

async function lockTables(client: pg.Client, tables: readonly Table[]): Promise<void> {
  await client.query("begin");
  if (tables.length === 0) return;
  await client.query(`lock table ${tables.map(fullName).join(", ")} in access share mode`);
}
