import { listNames, PenstockError } from "@penstock/common";
import type { RestoreOptions } from "../producer.ts";
import type { GpcrondumpConfig } from "./config.ts";
import { type GivenOption, givenValue, isGiven, scanOptions } from "./option-scan.ts";
import { RESTORE_OPTIONS } from "./restore-options.ts";

/** What of a set one restore brings back. */
export interface RestoreRequest {
  /** Options for gpdbrestore, beyond those that say which set. */
  readonly args: readonly string[];
  /** Whether pre-data and post-data are. */
  readonly metadata: boolean;
  /** Whether the segments' data is. */
  readonly data: boolean;
  readonly globals: boolean;
  readonly statistics: boolean;
  /** Whether what is there is dropped, before anything is read. */
  readonly dropsFirst: boolean;
  /** The only segments whose data is; then no gpdbrestore runs, but gp_restore. */
  readonly contentIds?: readonly number[];
  /** Where report and status files go, if that was said. */
  readonly statusDirectory?: string;
  /** The only ones that are restored, as they were given; none is all. Empty if gpdbrestore is not to look. */
  readonly tables: readonly string[];
  /** Instead of the set's own database. */
  readonly redirect?: string;
}

/**
 * Joins the plan's options with those of one restore. gpdbrestore cannot leave out segments; gp_restore,
 * which it runs, can, but restores nothing but data then. Throws `usage`.
 */
export function toRestoreRequest(
  { restore }: GpcrondumpConfig,
  { contentIds, metadataOnly, tables, extra }: RestoreOptions,
): RestoreRequest {
  const { problems } = scanOptions(extra, RESTORE_OPTIONS);
  if (problems[0] !== undefined) throw usage(problems[0].message);
  const args = [
    ...restore,
    ...(metadataOnly ? ["-m"] : []),
    ...tables.flatMap((table) => ["-T", table]),
    ...extra,
  ];
  const { options } = scanOptions(args, RESTORE_OPTIONS);
  const dropsFirst = isGiven(options, "-e") || isGiven(options, "--truncate");
  const told = { ...toTold(options), args, dropsFirst, tables: tablesOf(options) };
  if (contentIds === undefined) return { ...told, ...partsOf(options) };
  const given = [
    ...(metadataOnly ? ["--metadata-only"] : []),
    ...(tables.length > 0 ? ["--table"] : []),
    ...extra,
  ];
  assertDataOnly(given, contentIds);
  const parts = { metadata: false, data: true, globals: false, statistics: false };
  return { ...told, ...parts, contentIds };
}

function tablesOf(options: readonly GivenOption[]): string[] {
  if (isGiven(options, "--no-validate-table-name")) return [];
  return options.flatMap(({ name, value = "" }) => (name === "-T" ? [value] : []));
}

function toTold(
  options: readonly GivenOption[],
): Pick<RestoreRequest, "statusDirectory" | "redirect"> {
  const statusDirectory = givenValue(options, "--report-status-dir");
  const redirect = givenValue(options, "--redirect");
  return {
    ...(statusDirectory !== undefined && { statusDirectory }),
    ...(redirect !== undefined && { redirect }),
  };
}

function partsOf(
  options: readonly GivenOption[],
): Pick<RestoreRequest, "metadata" | "data" | "globals" | "statistics"> {
  const onlyStatistics = givenValue(options, "--restore-stats") === "only";
  const onlyGlobals = !onlyStatistics && givenValue(options, "-G") === "only";
  const metadata = !onlyStatistics && !onlyGlobals;
  return {
    metadata,
    data: metadata && !isGiven(options, "-m"),
    globals: isGiven(options, "-G") && !onlyStatistics,
    statistics: isGiven(options, "--restore-stats") && !onlyGlobals,
  };
}

function assertDataOnly(given: readonly string[], contentIds: readonly number[]): void {
  if (contentIds.length === 0) throw usage("no content id is given; allowed: at least one");
  if (given.length === 0) return;
  throw new PenstockError(
    "usage",
    `--content-ids cannot be given together with ${listNames(given)}`,
    {
      hint: "gpdbrestore always restores all segments; of some it is gp_restore that restores, their data and nothing else",
    },
  );
}

function usage(message: string): PenstockError {
  return new PenstockError("usage", message);
}
