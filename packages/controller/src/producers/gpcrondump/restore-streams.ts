import { posix } from "node:path";
import { PenstockError } from "@penstock/common";
import type { Origin, PlannedStream } from "../producer.ts";
import type { AgentNames } from "./agent-names.ts";
import { type ClusterState, type Primary, showPrimaries } from "./catalogue.ts";
import type { GpcrondumpConfig } from "./config.ts";
import { dumpFolder } from "./dump-tool.ts";
import { type FileKind, formatFileName } from "./file-names.ts";
import type { RestoreRequest } from "./restore-request.ts";
import type { StoredDump, StoredPipe } from "./stored-dump.ts";

/** What the streams of a restore are made from. */
export interface RestoreBasis {
  readonly config: GpcrondumpConfig;
  readonly origin: Origin;
  readonly agents: AgentNames;
  readonly cluster: ClusterState;
  readonly dump: StoredDump;
  readonly request: RestoreRequest;
}

/** A segment that is restored: what is stored of it, and who serves it now. */
export interface RestoredSegment {
  readonly pipe: StoredPipe;
  readonly primary: Primary;
}

/**
 * Each segment's dump with the primary of now, which may have another dbid and host than when the set
 * was made. Throws `failed` if the cluster has other contents than the set.
 */
export function matchSegments({ dump, cluster }: RestoreBasis): RestoredSegment[] {
  const { segments } = cluster;
  const pipes = dump.pipes.filter(({ kind }) => kind === "segment");
  const matched = pipes.flatMap((pipe) => {
    const primary = segments.find((other) => isOf(pipe, other));
    return primary === undefined ? [] : [{ pipe, primary }];
  });
  const served = new Set(matched.map(({ primary }) => primary.contentId));
  if (matched.length === pipes.length && served.size === segments.length) return matched;
  const { key } = dump.naming;
  throw new PenstockError(
    "failed",
    `set ${key} has the dumps of ${showPipes(pipes)}, and the cluster has ${showPrimaries(segments)}`,
    { hint: "gpdbrestore needs a cluster of the same number of segments" },
  );
}

/** A set of 4.3 may not know contents; then only the same dbid is surely the same. */
function isOf({ contentId, dbid }: StoredPipe, primary: Primary): boolean {
  return contentId === undefined ? dbid === primary.dbid : contentId === primary.contentId;
}

function showPipes(pipes: readonly StoredPipe[]): string {
  const names = pipes.map(({ contentId, dbid }) =>
    contentId === undefined ? `dbid ${dbid}` : `content ${contentId}`,
  );
  return names.join(", ");
}

/** Every stream that a restore needs. Throws `failed`, `usage` or `not_found`. */
export function toRestoreStreams(
  basis: RestoreBasis,
  segments: readonly RestoredSegment[],
): PlannedStream[] {
  const { request, dump } = basis;
  const { contentIds } = request;
  if (contentIds !== undefined) {
    const wanted = segments.filter(({ primary }) => contentIds.includes(primary.contentId));
    return wanted.map((segment) => toSegmentStream(segment, basis));
  }
  const own = (kind: FileKind, required: boolean): PlannedStream[] =>
    dump.pipes
      .filter((pipe) => pipe.kind === kind)
      .map((pipe) => toCoordinatorStream(pipe, required, basis));
  return [
    ...toFileStreams(basis),
    ...(request.globals ? [...own("globals", true)] : []),
    ...own("metadata", request.metadata),
    ...segments.map((segment) => toSegmentStream(segment, basis)),
    ...own("postData", request.metadata),
    ...(request.statistics ? [...own("statistics", true)] : []),
  ];
}

/** Regular files are looked for where they would be now. */
function toFileStreams(basis: RestoreBasis): PlannedStream[] {
  const { agents, origin, dump } = basis;
  const folder = coordinatorFolder(basis);
  return dump.files.map(({ name, path }) => ({
    name,
    host: agents.coordinator,
    kind: "file",
    path: posix.join(folder, posix.basename(path)),
    required: true,
    origin,
  }));
}

function toCoordinatorStream(
  { receipt, name, dbid }: StoredPipe,
  required: boolean,
  basis: RestoreBasis,
): PlannedStream {
  return {
    name: receipt.name,
    host: basis.agents.coordinator,
    kind: "fifo",
    path: posix.join(coordinatorFolder(basis), name),
    contentId: -1,
    ...(dbid !== undefined && { dbid }),
    required,
    origin: basis.origin,
  };
}

/** Named for the instance that serves now: the database server looks for its own dbid. */
function toSegmentStream(
  { pipe, primary }: RestoredSegment,
  { config, agents, dump, request, origin }: RestoreBasis,
): PlannedStream {
  const { contentId, dbid, host } = primary;
  const { isGzip, receipt } = pipe;
  const name = formatFileName({ kind: "segment", contentId, dbid, isGzip }, dump.naming);
  return {
    name: receipt.name,
    host: agents.agentOf(host, "the catalogue"),
    kind: "fifo",
    path: posix.join(folderOf(primary, config, dump), name),
    contentId,
    dbid,
    required: request.data,
    origin,
  };
}

/** Where the coordinator's files of the set are. */
export function coordinatorFolder(basis: RestoreBasis): string {
  const { cluster, config, dump } = basis;
  const dataDirectory = coordinatorData(basis);
  return folderOf({ ...cluster.coordinator, dataDirectory }, config, dump);
}

/** The coordinator's data directory, as the catalogue has it, or else the configuration; "" without both. */
export function coordinatorData({ cluster, config }: RestoreBasis): string {
  return cluster.coordinator.dataDirectory || (config.coordinatorDataDirectory ?? "");
}

function folderOf(
  { dataDirectory, dbid, host }: Primary,
  { directory }: GpcrondumpConfig,
  { naming }: StoredDump,
): string {
  const root = directory ?? dataDirectory;
  if (root !== "") return dumpFolder(root, naming.key);
  const message = `the catalogue has no data directory of dbid ${dbid} on host ${host}`;
  throw new PenstockError("failed", message);
}
