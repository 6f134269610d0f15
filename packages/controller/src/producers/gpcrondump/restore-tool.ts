import { posix } from "node:path";
import { pythonEnvironmentOf } from "../greenplum-environment.ts";
import type { HostFile, PlannedTool } from "../producer.ts";
import { formatFileName } from "./file-names.ts";
import {
  coordinatorData,
  coordinatorFolder,
  type RestoreBasis,
  type RestoredSegment,
} from "./restore-streams.ts";

/** The restoring tool's id in its plan. */
export const RESTORE_TOOL = "restore";

/** Longer logs lose their beginning. */
const LOG_BYTES = 256 * 1024;

/** gpdbrestore; or gp_restore, which it runs, for the data of some segments. */
export function restoreTool(
  basis: RestoreBasis,
  segments: readonly RestoredSegment[],
  streams: readonly string[],
): PlannedTool {
  const { config, agents, origin, request } = basis;
  const ofSome = request.contentIds !== undefined;
  const { report } = restoreRecords(basis, segments);
  return {
    id: RESTORE_TOOL,
    host: agents.coordinator,
    tool: ofSome ? "gp_restore" : "gpdbrestore",
    args: ofSome ? segmentArgs(basis, segments) : databaseArgs(basis),
    env: pythonEnvironmentOf(config),
    streams,
    // gp_restore cancels what runs on the segments when it is interrupted.
    stopSignal: "SIGINT",
    keepStdoutBytes: LOG_BYTES,
    knownFailures: [
      {
        says: "gpdbrestore finished unsuccessfully",
        hint: `which instance has failed, and why, is in the report ${report.path} on ${report.host}`,
      },
    ],
    // "errors were found": the judge says which.
    ...(ofSome && { doubtfulStatuses: [2] }),
    origin: [...origin, "restore"],
  };
}

function databaseArgs({ config, dump, request }: RestoreBasis): string[] {
  const { directory, prefix } = config;
  return [
    ...["-a", "-t", dump.naming.key],
    ...(directory === undefined ? [] : ["-u", directory]),
    ...(prefix === undefined ? [] : ["--prefix", prefix]),
    ...request.args,
  ];
}

/** Without dbid 1 in its list gp_restore leaves the coordinator alone: no schema, no post-data. */
function segmentArgs(basis: RestoreBasis, segments: readonly RestoredSegment[]): string[] {
  const { config, dump, request } = basis;
  const { key, prefix, version } = dump.naming;
  const isGzip = segments.some(({ pipe }) => pipe.isGzip);
  const places = placesOf(basis);
  return [
    ...["-i", "--gp-i", `--gp-k=${key}`],
    `--gp-l=i[${segments.map(({ primary }) => primary.dbid).join(",")}]`,
    // Relative to each instance's own data directory.
    `--gp-d=${config.directory === undefined ? `db_dumps/${key.slice(0, 8)}` : coordinatorFolder(basis)}`,
    ...(places === undefined ? [] : [`--gp-r=${places}`, `--status=${places}`]),
    ...(isGzip ? ["--gp-c"] : []),
    ...(prefix === "" ? [] : [`--prefix=${prefix}`]),
    ...(version === "4.3" ? ["--old-format"] : []),
    ...["-d", request.redirect ?? config.database],
  ];
}

/** What the restoring tool writes about its work. */
export interface RestoreRecords {
  readonly report: HostFile;
  /** One of each instance that takes part. */
  readonly statuses: readonly HostFile[];
}

/** Where report and status files of a restore are. */
export function restoreRecords(
  basis: RestoreBasis,
  segments: readonly RestoredSegment[],
): RestoreRecords {
  const { agents, dump, request } = basis;
  const { naming } = dump;
  const places = placesOf(basis);
  const coordinatorPlace = places ?? coordinatorData(basis);
  const own = (host: string, folder: string, name: string): HostFile => ({
    host,
    path: posix.join(folder, name),
  });
  const master = formatFileName({ kind: "masterRestoreStatus", isGzip: false }, naming);
  const masterStatus = own(agents.coordinator, coordinatorPlace, master);
  return {
    report: own(
      agents.coordinator,
      coordinatorPlace,
      formatFileName({ kind: "restoreReport", isGzip: false }, naming),
    ),
    statuses: [
      ...(request.metadata ? [masterStatus] : []),
      ...(request.data ? segments : []).map(({ primary }) => {
        const { contentId, dbid, dataDirectory } = primary;
        const kind = "segmentRestoreStatus";
        const name = formatFileName({ kind, contentId, dbid, isGzip: false }, naming);
        return own(agents.agentOf(primary.host, "the catalogue"), places ?? dataDirectory, name);
      }),
    ],
  };
}

/** One folder for all instances; without one each has its own, and the report is the coordinator's. */
function placesOf(basis: RestoreBasis): string | undefined {
  const { config, request } = basis;
  const folder = config.directory === undefined ? undefined : coordinatorFolder(basis);
  return request.statusDirectory ?? folder;
}
