import { posix } from "node:path";
import { PenstockError } from "@penstock/common";
import { type Evidence, fileKey, type HostFile } from "../producer.ts";
import { assertDumpLog, warningsOfLog } from "./dump-log.ts";
import { ERROR_WORDS } from "./failure-words.ts";
import { LAST_KINDS, type ListedFile } from "./file-lists.ts";
import { type Naming, parseFileName } from "./file-names.ts";

/** What a dump that has succeeded leaves. Files are on agents. */
export interface ExpectedDump {
  readonly naming: Naming;
  /** The coordinator's agent. */
  readonly coordinator: string;
  readonly pipes: readonly (ListedFile & { readonly agent: string })[];
  readonly regularFiles: readonly (ListedFile & { readonly agent: string })[];
  readonly report: HostFile;
  /** One of each instance. */
  readonly statuses: readonly HostFile[];
  /** The id of gpcrondump, if it is ours and its log can be had. */
  readonly logOf?: string;
}

/**
 * Every sign that gpcrondump has dumped everything, since each of them alone has been seen to lie: its
 * exit, its log, its report, and what each instance's agent says. Returns warnings of the log. Throws
 * `failed`, or `locked` if another gpcrondump was running, with sign and host.
 */
export function judgeDump(
  expected: ExpectedDump,
  evidence: Evidence,
  found: readonly HostFile[],
): readonly string[] {
  const { logOf, coordinator } = expected;
  const log = logOf === undefined ? undefined : (evidence.output[logOf] ?? "");
  if (log !== undefined) assertDumpLog(log, coordinator);
  assertNotOnDisk(expected, found);
  assertLastFiles(expected, found);
  assertReport(expected, evidence);
  for (const status of expected.statuses) assertStatus(status, evidence);
  return log === undefined ? [] : warningsOfLog(log, coordinator);
}

/** A pipe that is not there is written as a file, and nobody notices. */
function assertNotOnDisk({ naming, pipes }: ExpectedDump, found: readonly HostFile[]): void {
  const listed = new Set(pipes.map(({ agent, path }) => fileKey({ host: agent, path })));
  for (const file of found) {
    const kind = parseFileName(posix.basename(file.path), naming)?.kind;
    if (listed.has(fileKey(file))) {
      throw failed(
        `${file.path} on ${file.host} is a regular file, no pipe: it was written to disk`,
      );
    }
    if (kind === "segment" || kind === "metadata" || kind === "postData") {
      throw failed(
        `a dump was written to the disk of host ${file.host}: ${file.path} is not in the pipe list`,
      );
    }
  }
  assertNoOtherInstance(naming, pipes, found);
}

/** Whoever has written a status file has dumped something. */
function assertNoOtherInstance(
  naming: Naming,
  pipes: ExpectedDump["pipes"],
  found: readonly HostFile[],
): void {
  const dumped = new Set(pipes.filter(({ kind }) => kind === "segment").map(({ dbid }) => dbid));
  for (const { host, path } of found) {
    const name = parseFileName(posix.basename(path), naming);
    if (name?.kind !== "segmentStatus" || dumped.has(name.dbid)) continue;
    throw failed(`the segment of dbid ${name.dbid} on host ${host} has dumped, and is in no list`);
  }
}

function assertLastFiles({ regularFiles }: ExpectedDump, found: readonly HostFile[]): void {
  const there = new Set(found.map(fileKey));
  for (const { kind, agent, path } of regularFiles) {
    if (!LAST_KINDS.has(kind) || there.has(fileKey({ host: agent, path }))) continue;
    throw failed(`${path} is not on ${agent}: gpcrondump was not there when the dump ended`);
  }
}

function assertReport({ report, pipes, naming }: ExpectedDump, { files }: Evidence): void {
  const text = files[fileKey(report)]?.text;
  const where = `report ${report.path} on ${report.host}`;
  if (text === undefined) throw failed(`${where} is not there`);
  if (!text.includes(`Timestamp Key: ${naming.key}`)) {
    throw failed(`${where} is of another dump than ${naming.key}`);
  }
  const failure = /^.*(?:Failed with error|errors were found|unsuccessfully).*$/m.exec(text)?.[0];
  if (failure !== undefined) throw failed(`${where} says: ${failure.trim()}`);
  if (!text.includes("gp_dump utility finished successfully.")) {
    throw failed(`${where} does not say that gp_dump finished successfully`);
  }
  const segments = pipes.filter(({ kind }) => kind === "segment");
  for (const { dbid, host } of segments) {
    if (new RegExp(String.raw`\(dbid ${dbid}\).*: Succeeded\s*$`, "m").test(text)) continue;
    throw failed(`${where} has no success of the segment of dbid ${dbid} on host ${host}`);
  }
}

/** gpcrondump looks for words of failure alone; an agent that was stopped may leave none. */
function assertStatus(status: HostFile, { files }: Evidence): void {
  const text = files[fileKey(status)]?.text;
  const where = `status file ${status.path} on ${status.host}`;
  if (text === undefined) throw failed(`${where} is not there`);
  const error = text.split("\n").find((line) => ERROR_WORDS.test(line));
  if (error !== undefined) throw failed(`${where} says: ${error.trim()}`);
  if (text.includes("Finished successfully")) return;
  throw failed(`${where} does not say that its dump agent finished successfully`);
}

function failed(message: string): PenstockError {
  return new PenstockError("failed", message);
}
