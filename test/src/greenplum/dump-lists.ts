import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Instance } from "./catalogue.ts";
import { assertIsTime } from "./dump-key.ts";
import { failed } from "./dump-options.ts";
import { coordinatorFile, type DumpSetting, folderOf } from "./dump-setting.ts";
import { configName, dataName, instanceFileName, postDataName, setFileName } from "./file-names.ts";

/** `gpcrondump --list-backup-files`. */
export async function writeLists(setting: DumpSetting): Promise<void> {
  const { names, instances, log } = setting;
  assertIsTime(names.key);
  const regular = await regularFiles(setting); // before anything is written
  await mkdir(folderOf(setting, instances.coordinator), { recursive: true });
  const pipesList = coordinatorFile(setting, setFileName(names, "_pipes"));
  await writeFile(pipesList, toLines(pipes(setting)));
  log.info(`Added the list of pipe names to the file: ${pipesList}`);
  const filesList = coordinatorFile(setting, setFileName(names, "_regular_files"));
  await writeFile(filesList, toLines(regular));
  log.info(`Added the list of file names to the file: ${filesList}`);
  log.info("Successfully listed the names of backup files and pipes");
}

function pipes(setting: DumpSetting): string[] {
  const { options, names, instances } = setting;
  const { coordinator } = instances;
  const isOld = names.naming === "4.3";
  const entry = (instance: Instance, name: string): string =>
    `${instance.host}:${join(folderOf(setting, instance), name)}`;
  const config = (instance: Instance): string[] =>
    options.withConfigs ? [entry(instance, configName(names, instance))] : [];
  // 4.3 asks for the preferred role by mistake.
  const segments = isOld ? instances.preferred : instances.current;
  return [
    ...segments.flatMap((segment) => [
      entry(segment, dataName(names, segment)),
      ...(isOld ? [] : config(segment)),
    ]),
    entry(coordinator, dataName(names, coordinator)),
    entry(coordinator, postDataName(names, coordinator)),
    ...(options.withGlobals
      ? [entry(coordinator, instanceFileName(names, "gp_global", coordinator))]
      : []),
    ...config(coordinator),
    ...(isOld ? segments.flatMap(config) : []),
    ...(options.withStatistics && !isOld
      ? [entry(coordinator, instanceFileName(names, "gp_statistics", coordinator))]
      : []),
  ];
}

async function regularFiles(setting: DumpSetting): Promise<string[]> {
  const { names, options, instances } = setting;
  const { coordinator } = instances;
  const file = (suffix: string): string => setFileName(names, suffix);
  const isTableFilter = options.filter?.of === "table";
  const found = [
    instanceFileName(names, "gp_cdatabase", coordinator),
    ...["_ao_state_file", "_co_state_file", "_last_operation", ".rpt"].map(file),
    instanceFileName(names, "gp_dump_status", coordinator),
    ...(isTableFilter && names.prefix !== "" ? [file("_filter")] : []),
    ...(isTableFilter && names.naming === "5" ? [file("_table")] : []),
    ...(options.isIncremental
      ? [setFileName({ ...names, key: await latestFull(setting) }, "_increments")]
      : []),
  ];
  return found.map((name) => `${coordinator.host}:${coordinatorFile(setting, name)}`);
}

/** The key of the newest full dump; an incremental one needs it. */
async function latestFull(setting: DumpSetting): Promise<string> {
  const { names, database, instances } = setting;
  const folder = folderOf(setting, instances.coordinator);
  const report = new RegExp(`^${names.prefix}gp_dump_(\\d{14})\\.rpt$`);
  const reports = (await readdir(folder).catch(() => [])).filter((name) => report.test(name));
  for (const name of reports.sort().reverse()) {
    const text = await readFile(join(folder, name), "utf8");
    const isFull = text.includes("Backup Type: Full") && text.includes(` Database ${database} `);
    const key = report.exec(name)?.[1] ?? "";
    if (isFull && key < names.key) return key;
  }
  throw failed("No full backup found for incremental");
}

function toLines(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}
