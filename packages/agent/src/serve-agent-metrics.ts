import { type MetricsServer, serveMetrics } from "@penstock/common";
import { AGENT_METRICS, type AgentState } from "./agent-metrics.ts";
import type { AgentConfig } from "./config.ts";
import type { RunCounts } from "./run-counts.ts";
import type { Runs } from "./runs.ts";
import type { StreamHost } from "./stream-host.ts";
import { addNumbers } from "./stream-numbers.ts";
import { VERSION } from "./version.ts";

/** What the metrics of an agent are read from. */
export interface MetricsParts {
  readonly config: AgentConfig;
  readonly runs: Runs;
  readonly counts: RunCounts;
  /** Whoever serves streams, each once. */
  readonly hosts: ReadonlySet<StreamHost>;
}

/** Serves an agent's metrics at this address. Throws `usage` if it cannot be taken. */
export async function serveAgentMetrics(
  listen: string,
  { config, runs, counts, hosts }: MetricsParts,
): Promise<MetricsServer> {
  const { name, cluster, memory: memoryBytes } = config;
  const about = { name, cluster, version: VERSION, memoryBytes };
  return await serveMetrics(listen, AGENT_METRICS, async (): Promise<AgentState> => {
    const streams = addNumbers(await Promise.all([...hosts].map((host) => host.numbers())));
    return { ...about, runs: runs.list().length, counts, streams };
  });
}
