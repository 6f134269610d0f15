import { hasCode, isAbortError } from "@penstock/common";
import type { Evidence, HostFile, PlannedTool, RunPlan } from "../producers/producer.ts";
import type { AgentClient } from "./agent-client.ts";
import type { RunContext } from "./context.ts";
import type { ElsewhereSession } from "./elsewhere.ts";
import type { ToolEnd } from "./held-run.ts";
import { readTexts } from "./inquiry.ts";
import type { Session } from "./session.ts";
import { together } from "./together.ts";

/** How the tools of a plan ended, by their ids. */
export type ToolEnds = ReadonlyMap<string, ToolEnd>;

/** What is there to be judged. */
export interface Seen {
  readonly ends: ToolEnds;
  readonly found: readonly HostFile[];
  /** Of what plugin processes have handed over, by `fileKey`. */
  readonly texts?: Evidence["files"];
}

/**
 * Looks for the plan's own signs that its tools have done their work; `found` are the regular files
 * that they left. Returns the tools' warnings, which have been reported. Throws `failed` with the sign
 * that is missing.
 */
export async function prove(
  session: Session,
  { proof, tools }: RunPlan,
  { ends, found, texts = {} }: Seen,
  { report }: Pick<RunContext, "report">,
): Promise<readonly string[]> {
  if (proof === undefined) return [];
  const files = { ...(await readTexts(session, proof.files)), ...texts };
  const output = Object.fromEntries([...ends].map(([id, { stdoutTail }]) => [id, stdoutTail]));
  const judged = proof.judge({ output, files }, found);
  const warnings = [...tools.flatMap((tool) => doubtsOf(tool, ends)), ...judged];
  for (const message of warnings) report({ event: "warning", message });
  return warnings;
}

/**
 * Makes sure that the files of the proof can be read at all, before anything is made or started. Throws
 * `usage`, with the host, for one outside its agent's roots.
 */
export async function checkProof(
  session: Pick<ElsewhereSession, "ref" | "signal" | "held">,
  { proof }: Pick<RunPlan, "proof">,
): Promise<void> {
  await together(proof?.files ?? [], async ({ host, path }) => {
    const { ref, signal } = session;
    const read = (agent: AgentClient): Promise<unknown> => agent.readFile(ref, path, signal);
    try {
      await session.held(host).call(read, signal);
    } catch (error) {
      if (hasCode(error, "usage") || isAbortError(error)) throw error;
      // It is not there yet, or as another run has left it.
    }
  });
}

function doubtsOf({ id, tool, host }: PlannedTool, ends: ToolEnds): string[] {
  const exitCode = ends.get(id)?.exitCode ?? 0;
  return exitCode === 0 ? [] : [`${tool} on ${host} exited with status ${exitCode}`];
}
