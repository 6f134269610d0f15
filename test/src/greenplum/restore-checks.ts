import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { dataName } from "./file-names.ts";
import { findData } from "./find-data.ts";
import { restoreFailed } from "./restore-options.ts";
import { type RestoreSetting, restoreFolder } from "./restore-setting.ts";

/** Throws unless all files and pipes that will be read are there. */
export async function assertFiles(setting: RestoreSetting): Promise<void> {
  const { instances, names, options } = setting;
  const { coordinator } = instances;
  const metadata = join(restoreFolder(setting, coordinator), dataName(names, coordinator));
  if (!(await stat(metadata).catch(() => undefined))) {
    throw restoreFailed(`Metadata file ${metadata} not found`);
  }
  if (options.isMetadataOnly) return;
  for (const instance of instances.current) {
    const folder = restoreFolder(setting, instance);
    if ((await findData(folder, names, instance)) === undefined) {
      const file = join(folder, dataName(names, instance));
      throw restoreFailed(`No dump file on ${instance.host} at ${file}`);
    }
  }
}

/** `-L`: it looks at the metadata's format first, and cannot go back to its beginning in a pipe. */
export async function listTables(setting: RestoreSetting): Promise<number> {
  const { instances, names } = setting;
  const { coordinator } = instances;
  const path = join(restoreFolder(setting, coordinator), dataName(names, coordinator));
  const file = await open(path);
  await file.readFile();
  await file.close();
  if ((await stat(path)).isFIFO()) throw restoreFailed("[Errno 29] Illegal seek");
  return 0;
}

/** Throws if a table's name is malformed; of a pipe no more can be said. */
export async function assertTables(setting: RestoreSetting): Promise<void> {
  const { instances, names, log, tables } = setting;
  const { coordinator } = instances;
  const path = join(restoreFolder(setting, coordinator), dataName(names, coordinator));
  if ((await stat(path)).isFIFO()) {
    log.warning("Skipping validation of tables in dump file due to the use of named pipes");
    return;
  }
  const malformed = tables.find((name) => !name.includes("."));
  if (malformed !== undefined) throw restoreFailed(`Invalid table name ${malformed}`);
}
