import { listNames, PenstockError, raceAbort, type StreamKind } from "@penstock/common";
import type { PlannedStream, PlannedTool } from "../producers/producer.ts";
import type { RunContext } from "./context.ts";
import { type EndedTool, toolEndedElsewhere } from "./elsewhere.ts";
import type { ToolEnd } from "./held-run.ts";
import type { Session } from "./session.ts";

/** What a tool is run with. */
export type ToolContext = Pick<RunContext, "graceMs" | "report"> & Pick<EndedTool, "stalls">;

/**
 * Starts a tool on its agent and waits for its end; `streams` are those of the plan. Throws unless
 * it was seen to exit with 0, or with a status that its plan has a proof for.
 */
export async function runTool(
  session: Session,
  tool: PlannedTool,
  streams: readonly PlannedStream[],
  { graceMs, report, stalls }: ToolContext,
): Promise<ToolEnd> {
  const { signal } = session;
  const held = session.held(tool.host);
  const names = new Set(tool.streams);
  const own = streams.filter(({ name }) => names.has(name));
  // The agent of one host knows nothing of another's.
  const elsewhere = own.filter(({ host }) => host !== tool.host);
  const streamOf = (kind: StreamKind): string =>
    own.find((stream) => stream.kind === kind)?.name ?? "";
  const request = {
    ref: session.ref,
    toolId: tool.id,
    tool: tool.tool,
    args: [...tool.args],
    env: { ...tool.env },
    stdoutStream: streamOf("stdout"),
    stdinStream: streamOf("stdin"),
    stopSignal: tool.stopSignal ?? "",
    streams: tool.streams.filter((name) => !elsewhere.some((stream) => stream.name === name)),
    graceMs,
    stopAlone: tool.stopAlone ?? false,
    keepStdoutBytes: tool.keepStdoutBytes ?? 0,
    stopGraceMs: tool.stopGraceMs ?? 0,
  };
  const pid = await held.call((agent) => agent.startTool(request, signal), signal);
  report({ event: "tool", tool: tool.tool, host: tool.host, pid });
  const end = await raceAbort(held.toolEnd(tool.id), signal);
  const { stderrTail: _stderr, stdoutTail: _stdout, ...outcome } = end;
  report({ event: "tool-exit", host: tool.host, ...outcome, name: tool.tool });
  assertEndedWell(tool, end, session.cutOff);
  tool.assertDone?.(end.stdoutTail);
  await toolEndedElsewhere({ session, stalls, graceMs }, elsewhere);
  return { ...end, name: tool.tool };
}

/** A tool that reads from a host that is gone fails before it is sure that the host is. */
function assertEndedWell(tool: PlannedTool, end: ToolEnd, cutOff: readonly string[]): void {
  const { exitCode, signal, stderrTail, stdoutTail } = end;
  const accepted = [0, ...(tool.doubtfulStatuses ?? [])];
  if (exitCode !== undefined && accepted.includes(exitCode)) return;
  const how = signal === undefined ? `exited with status ${exitCode}` : `was killed by ${signal}`;
  const all = stderrTail === "" ? stdoutTail : stderrTail;
  const said = all.trimEnd().split("\n").slice(-10).join("\n  ");
  const tail = said === "" ? "" : `; it said:\n  ${said}`;
  const known = tool.knownFailures?.find(({ says }) => `${stderrTail}${stdoutTail}`.includes(says));
  const details = known && { hint: known.hint };
  const broken = cutOff.length === 0 ? "" : `; no connection to ${listNames(cutOff)} now`;
  throw new PenstockError("failed", `${tool.tool} on ${tool.host} ${how}${broken}${tail}`, details);
}
