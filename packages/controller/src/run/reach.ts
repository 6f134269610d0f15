import { formatDuration, negotiate, PenstockError } from "@penstock/common";
import type { DescribeResponse } from "@penstock/proto";
import type { AgentClient } from "./agent-client.ts";
import { together } from "./together.ts";

/** Beyond this, times in logs and sets of different hosts cannot be put in order any more. */
const MAX_CLOCK_SKEW_MS = 60_000;

/** An agent that answered and fits. */
export interface ReachedAgent {
  readonly agent: AgentClient;
  readonly description: DescribeResponse;
  readonly clockSkewMs: number;
}

/**
 * Asks every agent what it is. Throws with all that is wrong on all hosts: unreachable, another
 * cluster or name, a clock that is off, no protocol version in common. Changes nothing.
 */
export async function reachAll(
  agents: readonly AgentClient[],
  cluster: string,
  signal: AbortSignal,
): Promise<ReachedAgent[]> {
  return await together(agents, (agent) => reach(agent, cluster, signal));
}

async function reach(
  agent: AgentClient,
  cluster: string,
  signal: AbortSignal,
): Promise<ReachedAgent> {
  const askedMs = Date.now();
  const description = await agent.describe(signal);
  const halfWayMs = (askedMs + Date.now()) / 2;
  const clockSkewMs = Math.round(Number(description.nowMs) - halfWayMs);
  const who = `agent ${agent.name} (${agent.address})`;
  if (description.cluster !== cluster) {
    throw new PenstockError(
      "usage",
      `${who} belongs to cluster ${description.cluster}, not ${cluster}`,
    );
  }
  if (description.name !== agent.name) {
    throw new PenstockError("usage", `${who} calls itself ${description.name}`, {
      hint: "the names under agents: must be those in the agents' own configurations",
    });
  }
  if (Math.abs(clockSkewMs) > MAX_CLOCK_SKEW_MS) {
    const skew = formatDuration(Math.round(Math.abs(clockSkewMs) / 1000) * 1000);
    const side = clockSkewMs > 0 ? "ahead of" : "behind";
    throw new PenstockError("failed", `${who}: its clock is ${skew} ${side} ours`, {
      hint: "set the clocks of all hosts by NTP",
    });
  }
  negotiate({ min: description.protocol, max: description.protocol });
  return { agent, description, clockSkewMs };
}
