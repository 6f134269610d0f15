import { PenstockError } from "@penstock/common";
import type { PluginKey } from "../producer.ts";

/** A key of gpbackup's, taken apart. */
export interface GpbackupKey extends PluginKey {
  /** gpbackup's own name of the backup: 14 digits, local time. */
  readonly timestamp: string;
  /** Of the segment whose data or table of contents it is. */
  readonly contentId: number | undefined;
  /** Of the table, if it has a file of its own on each segment. */
  readonly tableOid: string | undefined;
  readonly kind: "data" | "segment-toc" | "backup";
}

/**
 * Of the absolute path the last four parts say what it is, `backups/DATE/TIMESTAMP/FILE`: what is
 * before them differs from host to host, and after a failover.
 */
const KEY = /^\/(?:.*\/)?backups\/(\d{8})\/(\d{14})\/([^/]+)$/;
/** `gpbackup_0_20261120095538_16385.gz`, `gpbackup_0_20261120095602_toc.yaml`, …. */
const OF_SEGMENT = /^gpbackup_(-?\d+)_(\d{14})(?:_(\d+)|(_toc\.yaml))?(?:\.gz|\.zst)?$/;
/** `gpbackup_20261120095538_config.yaml`, …. */
const OF_BACKUP = /^gpbackup_(\d{14})_([A-Za-z0-9._-]+)$/;

/** Takes a key apart. Throws `failed` for what gpbackup does not write. */
export function parseKey(key: string): GpbackupKey {
  const [, date, timestamp, file] = KEY.exec(key) ?? [];
  if (timestamp === undefined || file === undefined || !timestamp.startsWith(date ?? "")) {
    throw strange(key);
  }
  const [, content, ofSegment, tableOid, toc] = OF_SEGMENT.exec(file) ?? [];
  const [, ofBackup, what] = OF_BACKUP.exec(file) ?? [];
  if ((ofSegment ?? ofBackup) !== timestamp) throw strange(key);
  const segment = { contentId: content === undefined ? undefined : Number(content), tableOid };
  return {
    timestamp,
    stream: file,
    sign: configName(timestamp),
    isEvidence: what === "config.yaml",
    isLast: what === "report",
    ...segment,
    kind: kindOf(content, toc),
  };
}

/** The stream that only the set of this timestamp has. */
export function configName(timestamp: string): string {
  return `gpbackup_${timestamp}_config.yaml`;
}

/** The timestamp in the name of such a stream. */
export function timestampIn(sign: string): string {
  const [, timestamp] = OF_BACKUP.exec(sign) ?? [];
  if (timestamp === undefined) throw strange(sign);
  return timestamp;
}

/** The timestamp of the set that has these streams; `undefined` if gpbackup has not made it. */
export function timestampOf(streams: readonly { readonly name: string }[]): string | undefined {
  for (const { name } of streams) {
    const [, timestamp, what] = OF_BACKUP.exec(name) ?? [];
    if (what === "config.yaml") return timestamp;
  }
  return undefined;
}

/** True for what can be a timestamp. */
export function isTimestamp(text: string): boolean {
  return /^\d{14}$/.test(text);
}

function kindOf(content: string | undefined, toc: string | undefined): GpbackupKey["kind"] {
  if (content === undefined) return "backup";
  return toc === undefined ? "data" : "segment-toc";
}

function strange(key: string): PenstockError {
  const message = `${key} is not a key of gpbackup`;
  return new PenstockError("failed", message, {
    hint: "a key ends in backups/YYYYMMDD/TIMESTAMP/gpbackup_…",
  });
}
