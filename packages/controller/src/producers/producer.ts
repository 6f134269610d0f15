import type { ByteStream, CodecName, Manifest, Receipt, StreamKind } from "@penstock/common";

/**
 * A producer knows one dump tool. It is a pure planner: configuration and facts in, a plan out. It
 * opens no connection, file or process; one executor runs every plan.
 */
export interface Producer {
  /** What has to be asked on the hosts before a backup can be planned; without it nothing. */
  inquireBackup?(set: string): Inquiry;
  /**
   * The streams, tools and files of a backup named `set`. `answers` are those to `inquireBackup`.
   * Throws `usage` with the place, `failed` for answers that allow no backup.
   */
  planBackup(set: string, answers?: Evidence): RunPlan;
  /**
   * A backup that somebody else runs: the lists of its tool say which pipes it writes. Without it this
   * producer's tool has no such lists. Throws `usage` or `failed` for lists that name no whole set.
   */
  planFromLists?(lists: FileLists): ListedBackup;
  /** As `inquireBackup`, for a restore. */
  inquireRestore?(manifest: Manifest, options?: RestoreOptions): Inquiry;
  /**
   * The mirror, for the streams of a committed set. Throws `usage`, also for options that this
   * producer cannot follow, `not_found` or `failed`.
   */
  planRestore(manifest: Manifest, answers?: Evidence, options?: RestoreOptions): RunPlan;
}

/** The texts of a tool's two lists of files. */
export interface FileLists {
  readonly pipes: string;
  readonly regularFiles: string;
}

/** A backup that is not ours to start: its plan has no tools. */
export interface ListedBackup {
  /** The set's name: the key of the lists. */
  readonly set: string;
  readonly plan: RunPlan;
  /**
   * Regular files that are there when whoever runs the tool is done; some of them are the last that it
   * writes.
   */
  readonly awaited: readonly HostFile[];
}

/** What one restore is to do otherwise than its plan says. */
export interface RestoreOptions {
  /** Agents that others stand in for: by the name in the set, the one of now. */
  readonly hosts: Readonly<Record<string, string>>;
  /** Only what belongs to these; without it everything. */
  readonly contentIds?: readonly number[];
  /** No data. */
  readonly metadataOnly: boolean;
  /** Only these, as `schema.table`; none: all. */
  readonly tables: readonly string[];
  /** Further arguments for the tool. */
  readonly extra: readonly string[];
}

/** Of a restore that does what its plan says. */
export const AS_PLANNED: RestoreOptions = { hosts: {}, metadataOnly: false, tables: [], extra: [] };

/** Tools to run one after the other, each to its good end, and small files to read thereafter. */
export interface Inquiry {
  /** Without streams. */
  readonly tools: readonly PlannedTool[];
  readonly files: readonly HostFile[];
}

/** A small text file on a host: at most 2 MiB. */
export interface HostFile {
  /** The agent's name. */
  readonly host: string;
  readonly path: string;
}

/** What was said and found on the hosts. Plain data, so that it can be kept. */
export interface Evidence {
  /** The end of each tool's standard output, by the tool's id. */
  readonly output: Readonly<Record<string, string>>;
  /** Only those that are there, by `fileKey`. */
  readonly files: Readonly<Record<string, FoundText>>;
}

/** A text file as it was found. */
export interface FoundText {
  readonly text: string;
  /** When it was last written, by its host's clock. */
  readonly modifiedMs: number;
}

/** Of nothing asked. */
export const NO_EVIDENCE: Evidence = { output: {}, files: {} };

/** A look into one stored stream. */
export interface StoredLook {
  readonly receipt: Receipt;
  /** Reads its raw bytes to the end; what it misses there, if it does, fails the restore. */
  problem(
    bytes: ByteStream,
    signal: AbortSignal,
  ): Promise<{ readonly message: string; readonly hint: string } | undefined>;
}

/** How evidence names a file. */
export function fileKey({ host, path }: HostFile): string {
  return `${host}:${path}`;
}

/** Where in the configuration something was said, e.g. `["plans", "nightly", "producer", "hosts", 0]`. */
export type Origin = readonly (string | number)[];

/** What one run does: which streams on which hosts, and which tools make them flow. */
export interface RunPlan {
  readonly streams: readonly PlannedStream[];
  readonly tools: readonly PlannedTool[];
  /** Regular files to collect when the tools have ended well. Empty in a restore. */
  readonly files: readonly FileGlob[];
  /**
   * Parts of command lines, each with the set's name or key in it: processes that the tools have the
   * database servers start, and that nobody else stops when the run fails.
   */
  readonly strays?: readonly string[];
  /**
   * In a restore: a tool drops what is there before it has read anything, so that every byte is to be
   * read back and checked before it is started.
   */
  readonly dropsFirst?: boolean;
  /** In a restore: what is to be looked at in the set before anything is made or started. */
  readonly lookInto?: StoredLook;
  /** Without one it is enough that the tools have exited well. */
  readonly proof?: Proof;
  /** Without it no plugin process can take part. */
  readonly plugin?: PluginUse;
}

/** Stands in a tool's arguments for the path of the plugin's configuration, which its agent writes. */
export const PLUGIN_CONFIG = "PLUGIN_CONFIG";

/**
 * What the keys of plugin processes mean: streams that nobody can plan, since they are there once a
 * process asks for them. A key is an absolute path on the process's host.
 */
export interface PluginUse {
  /** What a key names. Throws `failed` for what cannot be one. */
  parse(key: string): PluginKey;
  /** The stream of a process that hands something over. Throws as `parse` does. */
  toStream(handed: HostFile): PlannedStream;
  /** The signs of the sets that a restore needs, by what the evidence of its own says. Throws `failed`. */
  needs(evidence: string): readonly string[];
  /** As one of `RunPlan.strays`, for processes that the tool starts for the set of this sign. */
  strayOf(sign: string): string;
  /** What the tool itself calls the set of this sign: 14 digits. */
  nameOf(sign: string): string;
}

/** What a plugin process asks for. */
export interface PluginKey {
  /** The stream's name in its set. */
  readonly stream: string;
  /** A stream that the key's set has, and no other set. */
  readonly sign: string;
  /** Its text is evidence: see `Proof`. */
  readonly isEvidence: boolean;
  /** The tool hands over nothing after it. */
  readonly isLast: boolean;
}

/** What shows that the tools have done their work, beyond their exit. */
export interface Proof {
  /** Files to read when the tools have ended. */
  readonly files: readonly HostFile[];
  /**
   * Looks at what the tools said and wrote, at the regular files that were found for
   * `RunPlan.files`, and at what plugin processes have handed over. Returns the tools' warnings.
   * Throws `failed`, naming sign and host.
   */
  judge(evidence: Evidence, found: readonly HostFile[]): readonly string[];
  /** What those of `files` that are there say of the cause when a tool has failed: a line each. */
  explain?(files: Evidence["files"]): readonly string[];
}

/** One stream. `host` is the name of an agent. */
export interface PlannedStream {
  readonly name: string;
  readonly host: string;
  readonly kind: StreamKind;
  /** Absolute path on the host; "" for stdout and stdin. */
  readonly path: string;
  readonly contentId?: number;
  readonly dbid?: number;
  /** False if a run without it is still whole. */
  readonly required: boolean;
  /** Instead of the plan's: for bytes that are compressed already. */
  readonly codec?: CodecName;
  /** What its bytes must be; see `StreamSpec.format`. */
  readonly format?: string;
  /** A pipe that its writer opens and closes many times; it ends with its tool. */
  readonly heldOpen?: boolean;
  /** A pipe that may be there already, and then stays. */
  readonly mayExist?: boolean;
  /** What is blocked in the database for as long as nobody reads it, for the one who is paged. */
  readonly whileItWaits?: string;
  readonly origin: Origin;
}

/** One process to start. Tools are independent of each other and may run at the same time. */
export interface PlannedTool {
  /** Unique in the plan. */
  readonly id: string;
  readonly host: string;
  /** Name in the agent's allow-list. */
  readonly tool: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /**
   * Names of the streams that this tool writes or reads; all are attached before it starts. One of
   * kind `stdout` or `stdin`, at most, is its own.
   */
  readonly streams: readonly string[];
  readonly stopSignal?: string;
  /** The stop signal goes to the process alone; its children are killed. */
  readonly stopAlone?: boolean;
  /** How long it may take to stop until what is left is killed; default 5 s, at most 2 minutes. */
  readonly stopGraceMs?: number;
  /** How much of the end of its output is wanted as evidence; default 8 KiB, at most 1 MiB. */
  readonly keepStdoutBytes?: number;
  /** Other exit statuses than 0 that the plan's proof can be good for; they are warned of. */
  readonly doubtfulStatuses?: readonly number[];
  /** What it is known to say when it fails, for the one who reads that. */
  readonly knownFailures?: readonly KnownFailure[];
  /** Throws if what it has said on its standard output means that it has done nothing, though it exits well. */
  readonly assertDone?: (said: string) => void;
  readonly origin: Origin;
}

/** A text in a tool's output, and what the operator can do about it. */
export interface KnownFailure {
  readonly says: string;
  readonly hint: string;
}

/** Regular files on one host, by shell-like pattern (`*`, `?`, `[…]`; no `**`). */
export interface FileGlob {
  readonly host: string;
  readonly glob: string;
  readonly origin: Origin;
}
