import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BackupConfig } from "./backup-config.ts";
import { fullName } from "./catalogue.ts";
import { ANY_SEGMENT, ANY_TMP_DIR, backupDir, dataFile } from "./files.ts";
import { Helpers } from "./helpers.ts";
import { inOrder } from "./in-order.ts";
import { startCopy } from "./machine-client.ts";
import type { RestoreOptions } from "./options.ts";
import type { StoragePlugin } from "./plugin.ts";
import type { ProgramContext } from "./run-program.ts";
import type { DataEntry } from "./toc.ts";

/** The rows of one backup of a restore plan. */
export interface DataRestore extends ProgramContext {
  readonly options: RestoreOptions;
  readonly plugin: StoragePlugin;
  readonly config: BackupConfig;
  readonly timestamp: string;
  readonly database: string;
  readonly entries: readonly DataEntry[];
}

/** What could not be restored of a table; gprestore may go on with others. */
class TableError extends Error {}

/**
 * Restores the rows of tables and logs those that it cannot. Returns how many these are: without
 * `--on-error-continue` the first is the last. Throws what ends a restore at once.
 */
export async function restoreData(restore: DataRestore): Promise<number> {
  const { config, entries } = restore;
  if (entries.length === 0) return 0;
  return await (config.singledatafile ? restoreSingle(restore) : restoreMulti(restore));
}

async function restoreMulti(restore: DataRestore): Promise<number> {
  const { plugin, timestamp, config, options } = restore;
  const extension = config.compressed ? ".gz" : "";
  const pipeThrough = config.compressed ? "gzip -d -c" : "cat -";
  return await copyTables(restore, options.jobs, never, ({ oid }) => {
    const key = dataFile(ANY_SEGMENT, timestamp, { oid, extension });
    const configFile = `${ANY_TMP_DIR}/${plugin.configName}`;
    return `${plugin.executable} restore_data ${configFile} ${key} | ${pipeThrough}`;
  });
}

async function restoreSingle(restore: DataRestore): Promise<number> {
  const { state, work, log, plugin, timestamp, entries, options } = restore;
  const { copyQueueSize, includeTables, onErrorContinue } = options;
  const suffix = "_0";
  const helpers = await Helpers.start({
    ...{ state, work, plugin, timestamp, copyQueueSize, compressed: restore.config.compressed },
    ...{ agent: "restore", oids: entries.map(({ oid }) => oid), pipeSuffix: suffix },
    flags: [
      ...(includeTables.length > 0 ? ["--with-filters"] : []),
      ...(onErrorContinue ? ["--on-error-continue"] : []),
    ],
  });
  const failedAt = async (index: number): Promise<never> =>
    await new Promise((_, reject) => {
      helpers.onFailure((failure) => {
        if (failure.index <= index) reject(helperError(1, log.path));
      });
    });
  const failed = await copyTables(restore, copyQueueSize, failedAt, ({ oid }) => {
    const pipe = Helpers.pipe(timestamp, oid, suffix);
    return `(while [ ! -p "${pipe}" ]; do sleep 0.05; done) && cat ${pipe}`;
  });
  if (failed > 0 && !onErrorContinue) return failed; // the helpers still wait for the other tables
  const ended = await helpers.failed();
  if (ended > 0) throw helperError(ended, log.path);
  return failed;
}

async function copyTables(
  restore: DataRestore,
  atOnce: number,
  failedAt: (index: number) => Promise<never>,
  commandOf: (entry: DataEntry) => string,
): Promise<number> {
  const { log, work, options, entries } = restore;
  const failed: string[] = [];
  let done = 0;
  try {
    await inOrder(entries, atOnce, async (entry, index) => {
      const copied = copyTable(restore, entry, commandOf(entry));
      copied.catch(() => {}); // seen by the race, or of no interest after the helper's failure
      const error = await Promise.race([copied, failedAt(index)]);
      await work.untilNotTerminated();
      if (error) {
        log.error(error.message);
        failed.push(fullName(entry));
        if (!options.onErrorContinue) throw error;
      }
      done += 1;
      log.progress("Tables restored", done, entries.length);
    });
  } catch (error) {
    if (!(error instanceof TableError)) throw error;
  }
  if (options.onErrorContinue && failed.length > 0) await writeErrorTables(restore, failed);
  return failed.length;
}

/** Rows that were loaded stay, also when they are not all that there were. */
async function copyTable(
  { state, work, database }: DataRestore,
  entry: DataEntry,
  command: string,
): Promise<TableError | undefined> {
  const table = `${fullName(entry)}${entry.attributestring}`;
  const copy = await startCopy(state, { direction: "from", database, table, command });
  try {
    const rows = await work.rowsOf(copy);
    if (rows === entry.rowscopied) return undefined;
    const expected = `Expected to restore ${entry.rowscopied} rows to table ${fullName(entry)}`;
    return new TableError(`${expected}, but restored ${rows} instead`);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const error = `Error loading data into table ${fullName(entry)}: ${message}`;
    return new TableError(error, { cause });
  }
}

async function writeErrorTables(
  { state, timestamp, plugin }: DataRestore,
  names: readonly string[],
): Promise<void> {
  const [restoreTimestamp] = plugin.configName.split("_");
  const name = `gprestore_${timestamp}_${restoreTimestamp}_error_tables_data`;
  await writeFile(join(backupDir(state.coordinator, timestamp), name), names.join("\n"));
}

function helperError(count: number, log: string): Error {
  return new Error(
    `Encountered errors with ${count} helper agent(s).  See ${log} for a complete list of segments with errors.`,
  );
}

async function never(): Promise<never> {
  return await new Promise(() => {});
}
