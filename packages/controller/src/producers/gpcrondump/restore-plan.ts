import { decompress, flow, listNames, type Manifest, PenstockError } from "@penstock/common";
import type { Evidence, PlannedStream, RestoreOptions, RunPlan, StoredLook } from "../producer.ts";
import { createAgentNames } from "./agent-names.ts";
import { readCatalogue } from "./catalogue.ts";
import { missingTables } from "./dumped-tables.ts";
import type { ProducerBasis } from "./producer-basis.ts";
import { toRestoreRequest } from "./restore-request.ts";
import { explainRestore, judgeRestore } from "./restore-signs.ts";
import {
  matchSegments,
  type RestoreBasis,
  type RestoredSegment,
  toRestoreStreams,
} from "./restore-streams.ts";
import { RESTORE_TOOL, restoreRecords, restoreTool } from "./restore-tool.ts";
import { readStoredDump } from "./stored-dump.ts";

/**
 * A restore into the cluster as it is now. Regular files are put back, then pipes are made for the
 * primaries of now. Configuration files (-g) are never read by gpdbrestore and are not planned. Throws
 * `usage` for options that it cannot follow, `not_found` or `failed` for a set that does not fit.
 */
export function planRestore(
  { config, origin, agents: known }: ProducerBasis,
  manifest: Manifest,
  answers: Evidence,
  options: RestoreOptions,
): RunPlan {
  const request = toRestoreRequest(config, options);
  const { prefix } = config;
  const dump = readStoredDump(manifest, prefix === undefined ? "" : `${prefix}_`);
  const agents = createAgentNames(config, known, options.hosts);
  const cluster = readCatalogue(answers, agents.coordinator);
  const basis = { config, origin, agents, cluster, dump, request };
  assertHas(basis);
  const all = matchSegments(basis);
  const segments = pickSegments(basis, all);
  const streams = toRestoreStreams(basis, all);
  const pipes = streams.filter(({ kind }) => kind === "fifo");
  const records = restoreRecords(basis, segments);
  const tool = restoreTool(
    basis,
    segments,
    pipes.map(({ name }) => name),
  );
  const expected = {
    ...records,
    set: manifest.set,
    tool: tool.tool,
    coordinator: agents.coordinator,
    request,
    logOf: RESTORE_TOOL,
    askedAtMs: cluster.askedAtMs,
  };
  return {
    streams,
    tools: [tool],
    files: [],
    dropsFirst: request.dropsFirst,
    ...lookForTables(basis),
    strays: straysOf(manifest.set, pipes),
    proof: {
      files: [records.report, ...records.statuses],
      judge: (evidence) => judgeRestore(expected, evidence),
      explain: (files) => explainRestore(expected, files),
    },
  };
}

/**
 * gpdbrestore looks whether the tables that are asked for are in the dump, but not into a pipe, and then
 * restores nothing without a word (facts on gpdbrestore -T).
 */
function lookForTables({ dump, request, config }: RestoreBasis): Pick<RunPlan, "lookInto"> {
  const metadata = dump.pipes.find(({ kind }) => kind === "metadata");
  if (request.tables.length === 0 || metadata === undefined) return {};
  const { isGzip, receipt } = metadata;
  const problem: StoredLook["problem"] = async (bytes, signal) => {
    const text = isGzip ? flow(signal, bytes, ...decompress("gzip")) : bytes;
    const missing = await missingTables(text, request.tables);
    if (missing.length === 0) return undefined;
    const what = missing.length === 1 ? "table" : "tables";
    const message = `set ${dump.naming.key} of database ${config.database} has no ${what} ${listNames(missing)}`;
    const unzip = isGzip ? " | gunzip" : "";
    const hint = `its tables are the lines with "Type: TABLE" in: penstock cat ${dump.naming.key} ${receipt.name}${unzip}; or restore without looking: -- --no-validate-table-name`;
    return { message, hint };
  };
  return { lookInto: { receipt, problem } };
}

/** What is asked for beyond the data must have been dumped. */
function assertHas({ dump, request }: RestoreBasis): void {
  const { key } = dump.naming;
  for (const kind of ["globals", "statistics"] as const) {
    const isThere =
      dump.pipes.some((pipe) => pipe.kind === kind) ||
      dump.files.some(({ path }) => path.includes(`gp_${kind === "globals" ? "global" : kind}_`));
    if (!request[kind] || isThere) continue;
    const option = kind === "globals" ? "-G" : "--restore-stats";
    const dumped = kind === "globals" ? "-G" : "--dump-stats";
    throw new PenstockError("not_found", `set ${key} has no ${kind}, which ${option} restores`, {
      hint: `it was dumped without ${dumped}`,
    });
  }
}

function pickSegments(
  { request, dump }: RestoreBasis,
  all: readonly RestoredSegment[],
): readonly RestoredSegment[] {
  const { contentIds } = request;
  if (contentIds === undefined) return all;
  const known = all.map(({ primary }) => primary.contentId);
  const unknown = contentIds.filter((contentId) => !known.includes(contentId));
  if (unknown.length > 0) {
    const message = `set ${dump.naming.key} has no segment of content ${listNames(unknown.map(String))}; it has ${listNames(known.map(String))}`;
    throw new PenstockError("not_found", message);
  }
  return all.filter(({ primary }) => contentIds.includes(primary.contentId));
}

/**
 * Restore agents, and the shells and readers of pipes that they start, on a line as
 * `set -o pipefail && cat PIPE | gunzip -c | psql`: only what reads them so, not whoever looks at a pipe.
 */
function straysOf(set: string, pipes: readonly PlannedStream[]): string[] {
  return [`--gp-k ${set}_`, ...new Set(pipes.map(({ path }) => `cat ${path}`))];
}
