import { fullName, type Table } from "./catalogue.ts";
import { ANY_SEGMENT, ANY_TMP_DIR, dataFile, segmentTocFile } from "./files.ts";
import { Helpers } from "./helpers.ts";
import { inOrder } from "./in-order.ts";
import { type RunningCopy, startCopy } from "./machine-client.ts";
import type { BackupOptions } from "./options.ts";
import type { StoragePlugin } from "./plugin.ts";
import type { ProgramContext } from "./run-program.ts";

/** What the rows of a backup are. */
export interface DataBackup extends ProgramContext {
  readonly options: BackupOptions;
  readonly plugin: StoragePlugin;
  readonly timestamp: string;
  readonly tables: readonly Table[];
}

/** Rows that were copied, by oid. */
export type RowCounts = ReadonlyMap<number, number>;

/** Backs up the rows of all tables. Throws what gpbackup would report; siblings may still run then. */
export async function backUpData(backup: DataBackup): Promise<RowCounts> {
  const { log, options } = backup;
  log.info("Writing data to file");
  const rows = await (options.singleDataFile ? backUpSingle(backup) : backUpMulti(backup));
  log.info("Data backup complete");
  return rows;
}

/** Each table of each segment goes through a plugin process of its own, started by the database. */
async function backUpMulti(backup: DataBackup): Promise<RowCounts> {
  const { plugin, timestamp, options } = backup;
  const pipeThrough = options.compressed ? "gzip -c -1" : "cat -";
  const extension = options.compressed ? ".gz" : "";
  return await copyTables(backup, options.jobs, ({ oid }) => {
    const key = dataFile(ANY_SEGMENT, timestamp, { oid, extension });
    const config = `${ANY_TMP_DIR}/${plugin.configName}`;
    return `${pipeThrough} | ${plugin.executable} backup_data ${config} ${key}`;
  });
}

/** Each segment's helper reads table after table from FIFOs and feeds one plugin process. */
async function backUpSingle(backup: DataBackup): Promise<RowCounts> {
  const { state, work, log, plugin, timestamp, tables, options } = backup;
  const { compressed, copyQueueSize } = options;
  const oids = tables.map(({ oid }) => oid);
  const task = { state, work, plugin, timestamp, oids, compressed, copyQueueSize };
  const helpers = await Helpers.start({ ...task, agent: "backup", pipeSuffix: "", flags: [] });
  const commandOf = ({ oid }: Table): string => {
    const pipe = Helpers.pipe(timestamp, oid, "");
    const check = `test -p "${pipe}" || (echo "Pipe not found ${pipe}">&2; exit 1)`;
    return `(${check}) && cat - > ${pipe}`;
  };
  const rows = await copyTables(backup, copyQueueSize, commandOf, (copy, index) => {
    helpers.onFailure((failure) => {
      // Nobody will read its FIFO. A helper that fails after its last table harms no COPY.
      if (failure.index <= index) copy.cancel(failure.content);
    });
  });
  const failed = await helpers.failed();
  if (failed > 0) {
    const what = `Error occurred in gpbackup_helper on ${failed} segment${failed > 1 ? "s" : ""}.`;
    throw new Error(`${what} See ${log.path} for a complete list of errors.`);
  }
  await plugin.segmentFiles("backup_file", (segment) => segmentTocFile(segment, timestamp));
  return rows;
}

async function copyTables(
  { state, work, log, options, tables }: DataBackup,
  atOnce: number,
  commandOf: (table: Table) => string,
  onStart: (copy: RunningCopy, index: number) => void = () => {},
): Promise<RowCounts> {
  const rows = new Map<number, number>();
  await inOrder(tables, atOnce, async (table, index) => {
    const { database } = options;
    const target = { database, table: fullName(table), command: commandOf(table) };
    const copy = await startCopy(state, { direction: "to", ...target });
    onStart(copy, index);
    rows.set(table.oid, await work.rowsOf(copy));
    log.progress("Tables backed up", rows.size, tables.length);
  });
  return rows;
}
