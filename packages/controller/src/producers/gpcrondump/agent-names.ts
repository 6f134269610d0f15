import { listNames, PenstockError } from "@penstock/common";
import type { GpcrondumpConfig } from "./config.ts";

/** Which agents a plan uses, and which of them is on a host of the catalogue. */
export interface AgentNames {
  readonly coordinator: string;
  readonly all: readonly string[];
  /** The agent on a host, by the name that `where` gave it. Throws `usage` if there is none. */
  agentOf(host: string, where: string): string;
}

/**
 * The agents of a plan. `known` are those of the configuration; `standIns` name, for agents, those
 * that are used instead of them.
 */
export function createAgentNames(
  config: GpcrondumpConfig,
  known: readonly string[],
  standIns: Readonly<Record<string, string>> = {},
): AgentNames {
  const instead = (agent: string): string =>
    Object.hasOwn(standIns, agent) ? (standIns[agent] ?? agent) : agent;
  const all = [...new Set([...usedAgents(config, known).map(instead), ...Object.values(standIns)])];
  return {
    coordinator: instead(config.coordinator),
    all,
    agentOf(host, where) {
      const { hosts = {} } = config;
      const agent = instead(Object.hasOwn(hosts, host) ? (hosts[host] ?? host) : host);
      if (all.includes(agent)) return agent;
      throw new PenstockError(
        "usage",
        `${where} names host ${host}, which has no agent in this plan; it has ${listNames(all)}`,
        { hint: "add an agent of that name to agents:, or name its agent in producer.hosts" },
      );
    },
  };
}

/** With a map of hosts its agents, otherwise every agent there is: the database says where it runs. */
export function usedAgents(
  { coordinator, hosts }: GpcrondumpConfig,
  known: readonly string[],
): string[] {
  return [...new Set([coordinator, ...(hosts === undefined ? known : Object.values(hosts))])];
}
