import { posix } from "node:path";
import { listNames, type Manifest, PenstockError, type Receipt } from "@penstock/common";
import {
  type FileKind,
  type FileName,
  isPipeKind,
  type Naming,
  parseFileName,
  versionOf,
} from "./file-names.ts";

/** A stored pipe, with what its name says. */
export interface StoredPipe extends FileName {
  readonly receipt: Receipt;
  /** The path's last part. */
  readonly name: string;
}

/** A committed set as gpdbrestore needs it. */
export interface StoredDump {
  readonly naming: Naming;
  readonly pipes: readonly StoredPipe[];
  /** Regular files of the coordinator that a restore reads. */
  readonly files: readonly Receipt[];
}

/** What only a dump, or another restore, has use for. */
const NOT_RESTORED: ReadonlySet<FileKind | undefined> = new Set<FileKind>([
  "masterStatus",
  "segmentStatus",
  "postDataTemporary",
  "pipesList",
  "filesList",
  "restoreReport",
  "masterRestoreStatus",
  "segmentRestoreStatus",
  "restorePlan",
]);

/** Written by dumps with --incremental alone. */
const INCREMENTAL: ReadonlySet<FileKind | undefined> = new Set<FileKind>([
  "dirtyTables",
  "tableList",
  "increments",
]);

/**
 * Reads what a set is made of. Throws `not_found` if it lacks something that gpdbrestore reads, and
 * `failed` for an incremental one: gpdbrestore would read the pipes of other sets, too.
 */
export function readStoredDump(manifest: Manifest, prefix: string): StoredDump {
  const { set, streams } = manifest;
  const version = versionOf(streams.map(({ path }) => posix.basename(path))) ?? "5";
  const naming = { version, key: set, prefix };
  const pipes = streams.flatMap((receipt) => toStoredPipe(receipt, naming));
  if (pipes.length === 0) {
    const which = prefix === "" ? "without a prefix" : `with the prefix ${prefix}`;
    throw new PenstockError("not_found", `set ${set} has no dump of gpcrondump ${which}`, {
      hint: "restore by the plan as it was when the set was made",
    });
  }
  const metadata = pipes.find(({ kind }) => kind === "metadata");
  const files = streams.filter(
    ({ kind, host }) => kind === "file" && host === metadata?.receipt.host,
  );
  assertFull(set, files, naming);
  const dump = { naming, pipes, files: files.filter((file) => isRestored(file, naming)) };
  assertWhole(set, dump);
  return dump;
}

function toStoredPipe(receipt: Receipt, naming: Naming): StoredPipe[] {
  const name = posix.basename(receipt.path);
  const parsed = receipt.kind === "fifo" ? parseFileName(name, naming) : undefined;
  if (parsed === undefined || !isPipeKind(parsed.kind)) return [];
  const { contentId = parsed.contentId } = receipt;
  return [{ ...parsed, ...(contentId !== undefined && { contentId }), receipt, name }];
}

function kindOf({ path }: Receipt, naming: Naming): FileKind | undefined {
  return parseFileName(posix.basename(path), naming)?.kind;
}

function isRestored(file: Receipt, naming: Naming): boolean {
  return !NOT_RESTORED.has(kindOf(file, naming));
}

function assertFull(set: string, files: readonly Receipt[], naming: Naming): void {
  const sign = files.find(
    (file) => INCREMENTAL.has(kindOf(file, naming)) || file.path.endsWith("_increments"),
  );
  if (sign === undefined) return;
  throw new PenstockError(
    "failed",
    `set ${set} is an incremental dump (it has ${posix.basename(sign.path)}): gpdbrestore reads several sets at once then, which is not supported`,
    { hint: "restore a set that was dumped in full" },
  );
}

function assertWhole(set: string, { naming, pipes, files }: StoredDump): void {
  const kinds = new Set<FileKind | undefined>([
    ...pipes.map(({ kind }) => kind),
    ...files.map((file) => kindOf(file, naming)),
  ]);
  const needed = ["metadata", "postData", "segment", "report", "createDatabase"] as const;
  const missing = needed.filter((kind) => !kinds.has(kind));
  if (missing.length === 0) return;
  throw new PenstockError(
    "not_found",
    `set ${set} lacks what gpdbrestore reads: ${listNames(missing)}`,
  );
}
