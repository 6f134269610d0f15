import { hasCode, PenstockError } from "@penstock/common";
import { type Evidence, type FoundText, fileKey, type Proof } from "../producers/producer.ts";
import type { AgentClient } from "./agent-client.ts";
import type { Session } from "./session.ts";

/** A run that has failed is not held up for longer: what it holds in the database hurts others. */
const READ_LIMIT_MS = 3_000;

/** The agents of a run, also of one whose signal has aborted. */
export interface AskedSession extends Pick<Session, "ref"> {
  held(host: string): { readonly agent: Pick<AgentClient, "readFile"> };
}

/**
 * The cause of a run's failure, with what its tools have written about it on their hosts, if its plan
 * knows where. What is no failure of a tool or a stream stays as it is.
 */
export async function explained(
  session: AskedSession,
  proof: Proof | undefined,
  cause: unknown,
): Promise<unknown> {
  if (proof?.explain === undefined) return cause;
  if (!hasCode(cause, "failed") && !hasCode(cause, "damaged")) return cause;
  const reasons = proof.explain(await readInTime(session, proof));
  if (reasons.length === 0) return cause;
  const { code, hint } = cause;
  const message = [cause.message, "in its files:", ...reasons.map((r) => `  ${r}`)].join("\n");
  return new PenstockError(code, message, { cause, ...(hint !== undefined && { hint }) });
}

/** Of hosts that do not answer in time, and files that are not there, there is nothing. */
async function readInTime(session: AskedSession, { files }: Proof): Promise<Evidence["files"]> {
  const limit = AbortSignal.timeout(READ_LIMIT_MS);
  const read = files.map(async (file): Promise<[string, FoundText][]> => {
    try {
      const { agent } = session.held(file.host);
      const { data, modifiedMs } = await agent.readFile(session.ref, file.path, limit);
      const text = Buffer.from(data).toString("utf8");
      return [[fileKey(file), { text, modifiedMs: Number(modifiedMs) }]];
    } catch {
      return [];
    }
  });
  return Object.fromEntries((await Promise.all(read)).flat());
}
