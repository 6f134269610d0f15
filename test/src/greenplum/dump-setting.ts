import { join } from "node:path";
import { type Instance, type Instances, readInstances } from "./catalogue.ts";
import type { DumpOptions } from "./dump-options.ts";
import { dumpDirectory, type SetNames } from "./file-names.ts";
import type { GreenplumState } from "./state.ts";
import type { ToolLog } from "./tool-log.ts";

/** All that the steps of one gpcrondump know. */
export interface DumpSetting {
  readonly state: GreenplumState;
  readonly options: DumpOptions;
  readonly args: readonly string[];
  readonly log: ToolLog;
  readonly database: string;
  readonly names: SetNames;
  readonly instances: Instances;
}

/** Asks the catalogue and puts together what the steps need. */
export async function toDumpSetting(
  state: GreenplumState,
  options: DumpOptions,
  args: readonly string[],
  log: ToolLog,
): Promise<DumpSetting> {
  const { key = keyOf(new Date()), prefix, isCompressed, databases } = options;
  const names = { key, prefix, isCompressed, naming: state.settings.naming };
  const instances = await readInstances(state.coordinator.port);
  return { state, options, args, log, names, instances, database: databases[0] ?? "" };
}

/** The folder of an instance's files. */
export function folderOf({ options, names }: DumpSetting, instance: Instance): string {
  return dumpDirectory(options.root ?? instance.dataDirectory, names.key);
}

/** The path of a file of the coordinator. */
export function coordinatorFile(setting: DumpSetting, name: string): string {
  return join(folderOf(setting, setting.instances.coordinator), name);
}

function keyOf(now: Date): string {
  return now.toISOString().replace(/\D/g, "").slice(0, 14);
}
