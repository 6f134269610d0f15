import { type Evidence, fileKey, type HostFile } from "../producer.ts";

/** Words of failure in what dump and restore agents write. */
export const ERROR_WORDS: RegExp = /\[(?:ERROR|FATAL|PANIC)\]|\b(?:ERROR|FATAL|PANIC):/;

const MOST_REASONS = 5;
const MOST_CHARACTERS = 500;

/**
 * Why a dump or a restore has failed, by what its instances have written: the first error of each file,
 * after its host. Files older than `sinceMs` (Unix time) tell of something else.
 */
export function reasonsIn(
  statuses: readonly HostFile[],
  files: Evidence["files"],
  sinceMs: number,
): string[] {
  const reasons = statuses.flatMap((file) => {
    const found = files[fileKey(file)];
    if (found === undefined || found.modifiedMs < sinceMs) return [];
    const error = found.text.split("\n").find((line) => ERROR_WORDS.test(line));
    return error === undefined ? [] : [`${file.host}: ${error.trim().slice(0, MOST_CHARACTERS)}`];
  });
  return reasons.slice(0, MOST_REASONS);
}
