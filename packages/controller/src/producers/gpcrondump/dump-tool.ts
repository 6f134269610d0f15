import { PenstockError } from "@penstock/common";
import { pythonEnvironmentOf } from "../greenplum-environment.ts";
import {
  type Evidence,
  type FileLists,
  fileKey,
  type HostFile,
  type Inquiry,
  type Origin,
  type PlannedTool,
} from "../producer.ts";
import { catalogueTool } from "./catalogue.ts";
import type { GpcrondumpConfig } from "./config.ts";
import { assertAlone, DUMP_FAILURES } from "./dump-log.ts";

const LISTING = "listing";
const DUMP = "gpcrondump";

/** Longer logs lose their beginning; what counts is at the end. */
const LOG_BYTES = 256 * 1024;

/** Has the files listed that a dump of this set would write; the cluster is asked for, too. */
export function inquireDump(config: GpcrondumpConfig, set: string, origin: Origin): Inquiry {
  const { pipes, regularFiles } = listFiles(config, set);
  return {
    tools: [
      catalogueTool(config, config.coordinator, origin),
      { ...toolOf(config, origin), id: LISTING, args: listingArgs(config, set), streams: [] },
    ],
    files: [pipes, regularFiles],
  };
}

/**
 * The lists. Throws `locked` if another gpcrondump was running, `failed` if they are not there: the
 * listing exits with 0 in either case.
 */
export function readListing(
  config: GpcrondumpConfig,
  set: string,
  { output, files }: Evidence,
): FileLists {
  assertAlone(output[LISTING] ?? "", config.coordinator);
  const { pipes, regularFiles } = listFiles(config, set);
  const textOf = (file: HostFile): string => {
    const found = files[fileKey(file)];
    if (found !== undefined) return found.text;
    throw new PenstockError(
      "failed",
      `gpcrondump on ${file.host} has not written the list ${file.path}`,
    );
  };
  return { pipes: textOf(pipes), regularFiles: textOf(regularFiles) };
}

/** What dumps, with these streams. */
export function dumpTool(
  config: GpcrondumpConfig,
  set: string,
  streams: readonly string[],
  origin: Origin,
): PlannedTool {
  return {
    ...toolOf(config, origin),
    id: DUMP,
    args: ["-a", "-b", ...commonArgs(config, set)],
    streams,
    // A signal to the whole group makes gp_dump report success.
    stopAlone: true,
    knownFailures: DUMP_FAILURES,
    // Before anybody wonders why no pipe is opened.
    assertDone: (log) => assertAlone(log, config.coordinator),
  };
}

function toolOf(
  config: GpcrondumpConfig,
  origin: Origin,
): Omit<PlannedTool, "id" | "args" | "streams"> {
  return {
    host: config.coordinator,
    tool: "gpcrondump",
    env: pythonEnvironmentOf(config),
    keepStdoutBytes: LOG_BYTES,
    origin: [...origin, "options"],
  };
}

function listingArgs(config: GpcrondumpConfig, set: string): string[] {
  return ["--list-backup-files", ...commonArgs(config, set)];
}

/** The listing knows only of files that its own options call for, so both have the same. */
function commonArgs(
  { database, directory, prefix, options }: GpcrondumpConfig,
  set: string,
): string[] {
  return [
    ...["-x", database, "-K", set],
    ...(directory === undefined ? [] : ["-u", directory]),
    ...(prefix === undefined ? [] : ["--prefix", prefix]),
    ...options,
  ];
}

function listFiles(
  { coordinator, directory, coordinatorDataDirectory = "", prefix }: GpcrondumpConfig,
  set: string,
): { pipes: HostFile; regularFiles: HostFile } {
  const folder = dumpFolder(directory ?? coordinatorDataDirectory, set);
  const name = `${prefix === undefined ? "" : `${prefix}_`}gp_dump_${set}`;
  return {
    pipes: { host: coordinator, path: `${folder}/${name}_pipes` },
    regularFiles: { host: coordinator, path: `${folder}/${name}_regular_files` },
  };
}

/** Where the files of a set are, below a directory or an instance's data directory. */
export function dumpFolder(root: string, set: string): string {
  return `${root.replace(/\/+$/, "")}/db_dumps/${set.slice(0, 8)}`;
}
