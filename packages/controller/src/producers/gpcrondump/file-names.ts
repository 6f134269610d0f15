/** How a version of Greenplum names the instance in a file's name. */
export type Version = "4.3" | "5";

/** What all file names of a set have in common. */
export interface Naming {
  readonly version: Version;
  /** Fourteen digits. */
  readonly key: string;
  /** With its "_" at the end, or empty. */
  readonly prefix: string;
}

/** What a file of a set is. */
export type FileKind = keyof typeof FORMS;

/** What a file's name says. */
export interface FileName {
  readonly kind: FileKind;
  /** -1 is the coordinator. Absent for a segment of 4.3, and if no instance is named. */
  readonly contentId?: number;
  readonly dbid?: number;
  readonly isGzip: boolean;
}

/**
 * Every kind of file, in both versions: `{m}` stands for the coordinator, `{s}` for a segment, `{k}`
 * for the key, `{z}` for `.gz` or nothing.
 */
const FORMS = {
  segment: "gp_dump_{s}_{k}{z}",
  metadata: "gp_dump_{m}_{k}{z}",
  postData: "gp_dump_{m}_{k}_post_data{z}",
  globals: "gp_global_{m}_{k}",
  statistics: "gp_statistics_{m}_{k}",
  masterConfig: "gp_master_config_files_{k}.tar",
  segmentConfig: "gp_segment_config_files_{s}_{k}.tar",
  createDatabase: "gp_cdatabase_{m}_{k}",
  masterStatus: "gp_dump_status_{m}_{k}",
  segmentStatus: "gp_dump_status_{s}_{k}",
  report: "gp_dump_{k}.rpt",
  aoState: "gp_dump_{k}_ao_state_file",
  coState: "gp_dump_{k}_co_state_file",
  lastOperation: "gp_dump_{k}_last_operation",
  filter: "gp_dump_{k}_filter",
  tables: "gp_dump_{k}_table",
  schemas: "gp_dump_{k}_schema",
  dirtyTables: "gp_dump_{k}_dirty_list",
  tableList: "gp_dump_{k}_table_list",
  increments: "gp_dump_{k}_increments",
  postDataTemporary: "gp_dump_{m}_{k}_post_data_temp",
  pipesList: "gp_dump_{k}_pipes",
  filesList: "gp_dump_{k}_regular_files",
  restoreReport: "gp_restore_{k}.rpt",
  masterRestoreStatus: "gp_restore_status_{m}_{k}",
  segmentRestoreStatus: "gp_restore_status_{s}_{k}",
  restorePlan: "gp_restore_{k}_plan",
} as const;

const PIPE_KINDS: ReadonlySet<FileKind> = new Set([
  "segment",
  "metadata",
  "postData",
  "globals",
  "statistics",
  "masterConfig",
  "segmentConfig",
]);

/** Instances as patterns; dbid 1 is always a coordinator's. */
const INSTANCES: Readonly<Record<Version, { readonly m: string; readonly s: string }>> = {
  "4.3": { m: "1_(?<dbid>1)", s: String.raw`0_(?<dbid>\d+)` },
  "5": { m: String.raw`(?<content>-1)_(?<dbid>\d+)`, s: String.raw`(?<content>\d+)_(?<dbid>\d+)` },
};

/** Whether gpcrondump can write this kind of file to a named pipe. */
export function isPipeKind(kind: FileKind): boolean {
  return PIPE_KINDS.has(kind);
}

/** The version that has given these names, by the coordinator's own file among them. */
export function versionOf(names: readonly string[]): Version | undefined {
  for (const name of names) {
    const instance = /gp_(?:dump|cdatabase|dump_status)_(-1_\d+|1_1)_\d{14}/.exec(name)?.[1];
    if (instance !== undefined) return instance.startsWith("-1") ? "5" : "4.3";
  }
  return undefined;
}

/** What a name says; `undefined` if it is none of this set's. */
export function parseFileName(name: string, naming: Naming): FileName | undefined {
  if (!name.startsWith(naming.prefix)) return undefined;
  const rest = name.slice(naming.prefix.length);
  for (const kind of Object.keys(FORMS) as FileKind[]) {
    const groups = patternOf(kind, naming).exec(rest)?.groups;
    if (groups !== undefined) return toFileName(kind, naming.version, groups);
  }
  return undefined;
}

/** The name of a file; the mirror of `parseFileName`. */
export function formatFileName(file: FileName, { version, key, prefix }: Naming): string {
  const { kind, dbid = 1, contentId = -1, isGzip } = file;
  const coordinator = version === "5" ? `-1_${dbid}` : `1_${dbid}`;
  const segment = version === "5" ? `${contentId}_${dbid}` : `0_${dbid}`;
  const name = FORMS[kind]
    .replace("{m}", coordinator)
    .replace("{s}", segment)
    .replace("{k}", key)
    .replace("{z}", isGzip ? ".gz" : "");
  return `${prefix}${name}`;
}

function patternOf(kind: FileKind, { version, key }: Naming): RegExp {
  const { m, s } = INSTANCES[version];
  const source = FORMS[kind]
    .replace(".", String.raw`\.`)
    .replace("{m}", m)
    .replace("{s}", s)
    .replace("{k}", key)
    .replace("{z}", String.raw`(?<gzip>\.gz)?`);
  // Without a named group there would be no groups at all.
  return new RegExp(`^(?<all>${source})$`);
}

function toFileName(
  kind: FileKind,
  version: Version,
  groups: Readonly<Record<string, string | undefined>>,
): FileName {
  const { content, dbid, gzip } = groups as { content?: string; dbid?: string; gzip?: string };
  const isGzip = gzip !== undefined;
  if (dbid === undefined) return { kind, isGzip };
  const known = content ?? (version === "4.3" && dbid === "1" ? "-1" : undefined);
  return {
    kind,
    ...(known !== undefined && { contentId: Number(known) }),
    dbid: Number(dbid),
    isGzip,
  };
}
