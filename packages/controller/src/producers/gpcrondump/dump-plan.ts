import { posix } from "node:path";
import { PenstockError } from "@penstock/common";
import type { FileGlob, HostFile, PlannedTool, RunPlan } from "../producer.ts";
import { type ClusterState, showPrimaries } from "./catalogue.ts";
import { judgeDump } from "./dump-signs.ts";
import { type DumpBasis, type DumpPipe, locatePipes, toDumpStream } from "./dump-streams.ts";
import { reasonsIn } from "./failure-words.ts";
import type { ListedFile } from "./file-lists.ts";
import { formatFileName } from "./file-names.ts";

/**
 * The plan of a dump into the listed pipes; `tool` makes what runs it, if it is ours to run. Throws
 * `usage` for a host without an agent, `failed` for lists that do not fit the cluster.
 */
export function planDump(
  basis: DumpBasis,
  tool: ((streams: readonly string[]) => PlannedTool) | undefined,
): RunPlan {
  const pipes = locatePipes(basis);
  if (basis.cluster !== undefined) assertCurrent(basis, basis.cluster);
  const streams = pipes.map((pipe) => toDumpStream(pipe, basis));
  const planned = tool?.(streams.map(({ name }) => name));
  const expected = {
    naming: basis.lists.naming,
    coordinator: basis.agents.coordinator,
    pipes: pipes.map(({ listed, agent }) => ({ ...listed, agent })),
    regularFiles: regularFilesOf(basis),
    report: reportOf(basis),
    statuses: statusesOf(basis, pipes),
    ...(planned && { logOf: planned.id }),
  };
  return {
    streams,
    tools: planned === undefined ? [] : [planned],
    files: globsOf(basis, pipes),
    strays: straysOf(basis.lists.naming.key),
    proof: {
      files: [expected.report, ...expected.statuses],
      judge: (evidence, found) => judgeDump(expected, evidence, found),
      // The key is in their names: they are of no other dump.
      explain: (files) => reasonsIn(expected.statuses, files, 0),
    },
  };
}

/** The listed regular files, on the agents that have them. */
export function regularFilesOf({ lists, agents }: DumpBasis): (ListedFile & { agent: string })[] {
  return lists.regularFiles.map((file) => ({
    ...file,
    agent: agents.agentOf(file.host, "the list of regular files"),
  }));
}

/**
 * gpcrondump of 4.3 lists preferred primaries and dumps those that serve now: where they differ, it
 * would write to the hosts' disks while we wait for pipes.
 */
function assertCurrent({ lists, agents }: DumpBasis, { segments }: ClusterState): void {
  const { key } = lists.naming;
  const listed = lists.pipes.filter(({ kind }) => kind === "segment");
  const stale = listed.filter(
    ({ dbid, contentId }) =>
      !segments.some(
        (primary) =>
          primary.dbid === dbid && (contentId === undefined || contentId === primary.contentId),
      ),
  );
  if (stale.length > 0) {
    const names = stale.map(({ dbid, host }) => `dbid ${dbid} on ${host}`).join(", ");
    throw new PenstockError(
      "failed",
      `the pipe list of set ${key} names segments that do not serve now: ${names}; now serve: ${showPrimaries(segments)}`,
      {
        hint: "gpcrondump 4.3 lists preferred primaries: give roles back with gprecoverseg -r first",
      },
    );
  }
  const missing = segments.filter(({ dbid }) => !listed.some((pipe) => pipe.dbid === dbid));
  if (missing.length === 0) return;
  throw new PenstockError(
    "failed",
    `the pipe list of set ${key} on ${agents.coordinator} has no pipe for ${showPrimaries(missing)}`,
  );
}

function reportOf(basis: DumpBasis): HostFile {
  const report = regularFilesOf(basis).find(({ kind }) => kind === "report");
  if (report === undefined) throw new PenstockError("internal", "checked lists have no report");
  return { host: report.agent, path: report.path };
}

/** The lists name the coordinator's status file alone; segments write theirs beside their dump. */
function statusesOf(basis: DumpBasis, pipes: readonly DumpPipe[]): HostFile[] {
  const { naming } = basis.lists;
  const master = regularFilesOf(basis).filter(({ kind }) => kind === "masterStatus");
  const segments = pipes.filter(({ listed }) => listed.kind === "segment");
  return [
    ...master.map(({ agent, path }) => ({ host: agent, path })),
    ...segments.map(({ listed, agent }) => {
      const name = formatFileName({ ...listed, kind: "segmentStatus", isGzip: false }, naming);
      return { host: agent, path: posix.join(posix.dirname(listed.path), name) };
    }),
  ];
}

/** What is written is more than what is listed, so everything with the key in its name is collected. */
function globsOf(basis: DumpBasis, pipes: readonly DumpPipe[]): FileGlob[] {
  const { naming } = basis.lists;
  const folders = new Map<string, FileGlob>();
  const files = regularFilesOf(basis);
  const located = [...files, ...pipes.map(({ listed, agent }) => ({ ...listed, agent }))];
  for (const { agent, path } of located) {
    const glob = `${posix.dirname(path)}/*${naming.key}*`;
    folders.set(`${agent}:${glob}`, { host: agent, glob, origin: basis.origin });
  }
  return [...folders.values()];
}

/**
 * Dump agents and their shells, which the database servers have forked; what brings the post-data; tar.
 * gp_dump itself is none: asked to stop, it reports success.
 */
function straysOf(key: string): string[] {
  return [`gp_dump_agent --gp-k ${key}_`, `_${key}_post_data`, `_${key}.tar`];
}
