import { join } from "node:path";
import type { Segment } from "./state.ts";

/** Local time as gpbackup's 14 digits. */
export function toTimestamp(time: Date): string {
  const fields = [time.getMonth() + 1, time.getDate()];
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()];
  return [time.getFullYear(), ...[...fields, ...clock].map((n) => `${n}`.padStart(2, "0"))].join(
    "",
  );
}

/** Where a segment's, or the coordinator's, files of a backup are. */
export function backupDir({ dataDir }: Pick<Segment, "dataDir">, timestamp: string): string {
  return join(dataDir, "backups", timestamp.slice(0, 8), timestamp);
}

/** A file of the coordinator, such as `metadata.sql`. */
export function coordinatorFile(coordinator: Segment, timestamp: string, name: string): string {
  return join(backupDir(coordinator, timestamp), `gpbackup_${timestamp}_${name}`);
}

/** A segment's table of contents. */
export function segmentTocFile(segment: Segment, timestamp: string): string {
  const name = `gpbackup_${segment.content}_${timestamp}_toc.yaml`;
  return join(backupDir(segment, timestamp), name);
}

/** The key of a segment's data; without an oid that of all tables. */
export function dataFile(
  segment: Pick<Segment, "content" | "dataDir"> | typeof ANY_SEGMENT,
  timestamp: string,
  { oid, extension }: { readonly oid?: number; readonly extension: string },
): string {
  const table = oid === undefined ? "" : `_${oid}`;
  const name = `gpbackup_${segment.content}_${timestamp}${table}${extension}`;
  return join(backupDir(segment, timestamp), name);
}

/** What COPY ... ON SEGMENT replaces; `<SEG_TMP_DIR>` is ours alone, since all hosts are one machine. */
export const ANY_SEGMENT = { content: "<SEGID>", dataDir: "<SEG_DATA_DIR>" } as const;
export const ANY_TMP_DIR = "<SEG_TMP_DIR>";

/** What a segment's FIFOs of one run are called, up to the table's oid. */
export function pipePrefix(
  segment: Pick<Segment, "content" | "dataDir"> | typeof ANY_SEGMENT,
  timestamp: string,
  pid: number,
): string {
  return join(segment.dataDir, `gpbackup_${segment.content}_${timestamp}_pipe_${pid}`);
}
