import { listNames, type Manifest, PenstockError } from "@penstock/common";
import type { AgentClient } from "../run/agent-client.ts";
import type { RunContext } from "../run/context.ts";
import type { Loaded } from "./loaded.ts";

/**
 * The agents of a restore in which others stand in for some of those that the plan names. Throws `usage`
 * for one that the configuration does not know, or of which the set has nothing.
 */
export function mappedAgents(
  loaded: Loaded,
  { agents }: Pick<RunContext, "agents">,
  { set, streams }: Manifest,
  hosts: Readonly<Record<string, string>>,
): readonly AgentClient[] {
  const known = new Set([...streams.map(({ host }) => host), ...agents.map(({ name }) => name)]);
  const strangers = Object.keys(hosts).filter((from) => !known.has(from));
  if (strangers.length > 0) {
    const message = `--map: set ${set} has nothing of ${listNames(strangers)}`;
    throw new PenstockError("usage", message, {
      hint: `it has streams of ${listNames([...known])}`,
    });
  }
  const names = agents.map(({ name }) => hosts[name] ?? name);
  const others = Object.values(hosts).filter((to) => !names.includes(to));
  return loaded.agents([...new Set([...names, ...others])]);
}
