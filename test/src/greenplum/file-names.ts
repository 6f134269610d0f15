import { join } from "node:path";
import type { GreenplumSettings } from "./state.ts";

/** What the names of a set's files depend on. */
export interface SetNames {
  /** Fourteen digits. */
  readonly key: string;
  /** With its underscore, or empty. */
  readonly prefix: string;
  readonly naming: GreenplumSettings["naming"];
  readonly isCompressed: boolean;
}

/** Which instance a file is of. */
export interface InstanceId {
  readonly content: number;
  readonly dbid: number;
}

/** Where a set's files are below a root. */
export function dumpDirectory(root: string, key: string): string {
  return join(root, "db_dumps", key.slice(0, 8));
}

/** A segment's data, or the coordinator's pre-data. */
export function dataName(set: SetNames, instance: InstanceId): string {
  return `${set.prefix}gp_dump_${idPart(set, instance)}_${set.key}${ending(set)}`;
}

/** What comes after the data, on the coordinator. */
export function postDataName(set: SetNames, coordinator: InstanceId): string {
  return `${set.prefix}gp_dump_${idPart(set, coordinator)}_${set.key}_post_data${ending(set)}`;
}

/** A tar of an instance's configuration files. */
export function configName({ prefix, key, ...set }: SetNames, instance: InstanceId): string {
  if (instance.content === -1) return `${prefix}gp_master_config_files_${key}.tar`;
  return `${prefix}gp_segment_config_files_${idPart(set, instance)}_${key}.tar`;
}

/** `gp_global`, `gp_statistics`, `gp_cdatabase`, `gp_dump_status` or `gp_restore_status`. */
export function instanceFileName(set: SetNames, kind: string, instance: InstanceId): string {
  return `${set.prefix}${kind}_${idPart(set, instance)}_${set.key}`;
}

/** A file of the set as a whole, e.g. with the suffix `.rpt` or `_ao_state_file`. */
export function setFileName({ prefix, key }: SetNames, suffix: string): string {
  return `${prefix}gp_dump_${key}${suffix}`;
}

function idPart({ naming }: Pick<SetNames, "naming">, { content, dbid }: InstanceId): string {
  if (naming === "5") return `${content}_${dbid}`;
  return `${content === -1 ? 1 : 0}_${dbid}`;
}

function ending({ isCompressed }: SetNames): string {
  return isCompressed ? ".gz" : "";
}
