import type { WaitingFor } from "./jobs.ts";

/**
 * Whom a stream waits for: the target, if it has not answered us yet; else whom the agent names. Until
 * the agent has said so, by its next heartbeat, it is nobody.
 */
export function waitingFor(
  waitsForTarget: boolean,
  agentWaitsForTool: boolean | undefined,
): WaitingFor {
  if (waitsForTarget) return "target";
  if (agentWaitsForTool === undefined) return "nobody";
  return agentWaitsForTool ? "tool" : "network";
}
