import { PenstockError } from "@penstock/common";
import { type Evidence, type FoundText, fileKey, type HostFile } from "../producer.ts";
import { messageOf } from "./dump-log.ts";
import { ERROR_WORDS, reasonsIn } from "./failure-words.ts";
import type { RestoreRequest } from "./restore-request.ts";
import type { RestoreRecords } from "./restore-tool.ts";

/** What a restore that has succeeded leaves. */
export interface ExpectedRestore extends RestoreRecords {
  readonly set: string;
  /** The program that restores. */
  readonly tool: string;
  /** The coordinator's agent. */
  readonly coordinator: string;
  readonly request: RestoreRequest;
  /** Id of the tool in the plan. */
  readonly logOf: string;
  /** By the coordinator's clock, before the tool was started. */
  readonly askedAtMs: number;
}

/** File systems round times. */
const SAME_HOST_SLACK_MS = 2_000;
/** Twice what agents' clocks may differ from the controller's. */
const OTHER_HOST_SLACK_MS = 120_000;
/** Of each file; a broken restore can have an error for each row. */
const MOST_LINES = 10;

/** gpdbrestore exits with 0 when gp_restore has found errors: they are here or nowhere. */
export function judgeRestore(expected: ExpectedRestore, evidence: Evidence): readonly string[] {
  const { request, logOf } = expected;
  const log = evidence.output[logOf] ?? "";
  const warnings = judgeLog(log, expected);
  if (!request.metadata && !request.data) {
    assertBegun(log, expected);
    return warnings;
  }
  const statuses = expected.statuses.flatMap((file) => judgeStatus(file, expected, evidence));
  return [...warnings, ...judgeReport(expected, evidence), ...statuses];
}

/** Why a restore has failed, by what its restore agents have written; see `reasonsIn`. */
export function explainRestore(
  { statuses, coordinator, askedAtMs }: ExpectedRestore,
  files: Evidence["files"],
): readonly string[] {
  const slackMs = statuses.some(({ host }) => host !== coordinator)
    ? OTHER_HOST_SLACK_MS
    : SAME_HOST_SLACK_MS;
  return reasonsIn(statuses, files, askedAtMs - slackMs);
}

/** Warnings of what was asked for, or of what named pipes bring with them. */
const EXPECTED = /Skipping validation of tables in dump file|Analyze bypassed on request|:-[-\s]*$/;

function judgeLog(log: string, { tool, coordinator: host }: ExpectedRestore): string[] {
  const lines = log.split("\n");
  const error = lines.find((line) => /-\[(?:CRITICAL|ERROR|FATAL)\]:-/.test(line));
  if (error !== undefined) throw failed(`${tool} on ${host} says: ${messageOf(error)}`);
  return lines
    .filter((line) => line.includes("-[WARNING]:-") && !EXPECTED.test(line))
    .map((line) => `${tool} on ${host} warns: ${messageOf(line)}`);
}

/** Globals and statistics alone have no report. */
function assertBegun(log: string, { coordinator, request }: ExpectedRestore): void {
  const what = request.globals ? "global objects" : "statistics";
  if (log.includes(`Commencing restore of ${what}`)) return;
  throw failed(`gpdbrestore on ${coordinator} does not say that it has restored ${what}`);
}

function judgeReport(expected: ExpectedRestore, evidence: Evidence): string[] {
  const { report, set } = expected;
  const where = `report ${report.path} on ${report.host}`;
  const { text } = freshText(report, where, expected, evidence);
  if (!text.includes(`Timestamp Key: ${set}`))
    throw failed(`${where} is of another set than ${set}`);
  const lines = text.split("\n").map((line) => line.trim());
  const failure = lines.find((line) => /Failed with error|finished unsuccessfully/.test(line));
  if (failure !== undefined) throw failed(`${where} says: ${failure}`);
  if (!lines.some((line) => /utility finished (?:successfully|but errors were found)/.test(line))) {
    throw failed(`${where} does not say that gp_restore finished`);
  }
  const bad = lines.filter((line) => /(?:Completed|Finished) but errors were found/.test(line));
  return bad.map((line) => `${where} says: ${line}`);
}

/** An instance whose agent was stopped leaves no word of it, and no success either. */
function judgeStatus(file: HostFile, expected: ExpectedRestore, evidence: Evidence): string[] {
  const where = `status file ${file.path} on ${file.host}`;
  const { text } = freshText(file, where, expected, evidence);
  const errors = text.split("\n").filter((line) => ERROR_WORDS.test(line));
  if (errors.length === 0) {
    if (text.includes("Finished successfully")) return [];
    throw failed(`${where} does not say that its restore agent finished successfully`);
  }
  const shown = errors.slice(0, MOST_LINES).map((line) => `${file.host}: ${line.trim()}`);
  const rest = errors.length - shown.length;
  return rest > 0 ? [...shown, `${file.host}: ${rest} more errors in ${file.path}`] : shown;
}

/** Until a restore has ended, its files hold what an earlier one has said. */
function freshText(
  file: HostFile,
  where: string,
  { askedAtMs, coordinator }: ExpectedRestore,
  { files }: Evidence,
): FoundText {
  const found = files[fileKey(file)];
  if (found === undefined) throw failed(`${where} is not there`);
  const slackMs = file.host === coordinator ? SAME_HOST_SLACK_MS : OTHER_HOST_SLACK_MS;
  if (found.modifiedMs >= askedAtMs - slackMs) return found;
  throw failed(`${where} is of an earlier restore: this one has not written it`);
}

function failed(message: string): PenstockError {
  return new PenstockError("failed", message);
}
