import { PenstockError } from "@penstock/common";
import { type Evidence, fileKey, type HostFile } from "../producer.ts";
import { type BackupConfig, parseBackupConfig } from "./backup-config.ts";
import { configName, type GpbackupKey, parseKey } from "./plugin-key.ts";

/** A key that was handed over, and where. */
interface Handed extends GpbackupKey {
  readonly host: string;
}

/** What every backup hands over at its end. */
const ALWAYS_THERE = ["metadata.sql", "toc.yaml", "config.yaml", "report"];

/**
 * Whether what plugin processes have handed over is one whole backup: gpbackup's own word, which is
 * the only one that knows (a killed sibling sees a clean end of its data), and every file that its
 * kind of backup must have. Returns what could not be looked at. Throws `failed` with what is missing,
 * and on which host.
 */
export function judgeHanded({ files }: Evidence, found: readonly HostFile[]): readonly string[] {
  const handed = found.map(({ host, path }) => ({ host, ...parseKey(path) }));
  const config = findConfig(files, found, handed);
  assertSuccess(config.file.host, config.value);
  const names = new Set(handed.map(({ stream }) => stream));
  for (const what of ALWAYS_THERE) {
    const name = `gpbackup_${config.value.timestamp}_${what}`;
    if (!names.has(name)) throw missing(name, `host ${config.file.host}`);
  }
  assertSegments(config.value, handed);
  return config.value.segmentcount === undefined ? [UNCOUNTED] : [];
}

/** Since 1.26 gpbackup says it. */
const UNCOUNTED =
  "this gpbackup does not say how many segments there are: one that has handed over nothing would not be noticed";

function findConfig(
  files: Evidence["files"],
  found: readonly HostFile[],
  handed: readonly Handed[],
): { readonly file: HostFile; readonly value: BackupConfig } {
  const [first] = handed;
  const file = found.find(({ path }) => parseKey(path).isEvidence);
  const text = file && files[fileKey(file)]?.text;
  if (file === undefined || text === undefined || first === undefined) {
    const what = first === undefined ? "anything" : configName(first.timestamp);
    throw new PenstockError("failed", `gpbackup has ended without handing over ${what}`);
  }
  return { file, value: parseBackupConfig(text) };
}

function assertSuccess(host: string, { status, timestamp }: BackupConfig): void {
  if (status === "Success") return;
  const message = `gpbackup on ${host} says of backup ${timestamp}: status ${status === "" ? "unknown" : status}`;
  throw new PenstockError("failed", message, { hint: "why is in its report and in its log" });
}

/** Every segment has handed over the same tables; or all of them in one file, with what is in it. */
function assertSegments(config: BackupConfig, handed: readonly Handed[]): void {
  const { segmentcount, singledatafile } = config;
  const data = handed.filter(({ kind }) => kind === "data");
  const contents = new Map(data.map(({ contentId, host }) => [contentId, host]));
  const count = segmentcount ?? contents.size;
  if (contents.size === 0) return; // there is no table, or no data was wanted
  const all = new Set(data.map(({ tableOid }) => tableOid));
  for (let content = 0; content < count; content++) {
    const own = data.filter(({ contentId }) => contentId === content);
    const oids = new Set(own.map(({ tableOid }) => tableOid));
    const [gone] = [...all].filter((oid) => !oids.has(oid));
    if (oids.size < all.size) throw withoutTable(content, gone, contents.get(content));
    if (singledatafile) assertToc(content, config, handed);
  }
}

function assertToc(content: number, { timestamp }: BackupConfig, handed: readonly Handed[]): void {
  const isThere = handed.some(
    ({ kind, contentId }) => kind === "segment-toc" && contentId === content,
  );
  if (!isThere) throw missing(`gpbackup_${content}_${timestamp}_toc.yaml`, `segment ${content}`);
}

function withoutTable(
  content: number,
  oid: string | undefined,
  host: string | undefined,
): PenstockError {
  const where = host === undefined ? "" : ` on ${host}`;
  const what = oid === undefined ? "its data" : `its data of table ${oid}, which others have`;
  const message = `segment ${content}${where} has not handed over ${what}`;
  return new PenstockError("failed", message);
}

function missing(name: string, who: string): PenstockError {
  return new PenstockError("failed", `${who} has not handed over ${name}`);
}
