import { listNames, PenstockError } from "@penstock/common";
import { toSetName } from "../catalogue/keys.ts";
import type { Loaded } from "./loaded.ts";

/**
 * Looks whether agents allow the tools that a backup of this plan starts, as far as that can be known
 * before anything is asked. `allowed` is by agent; one that is not in it is passed over. Returns the
 * tools. Throws `usage` with all that are missing.
 */
export function assertPlanTools(
  loaded: Loaded,
  plan: string,
  allowed: ReadonlyMap<string, readonly string[]>,
): string[] {
  const producer = loaded.producer(plan);
  const set = toSetName(new Date());
  const tools = producer.inquireBackup?.(set).tools ?? producer.planBackup(set).tools;
  const missing = tools.filter(({ host, tool }) => allowed.get(host)?.includes(tool) === false);
  if (missing.length === 0) return [...new Set(tools.map(({ tool }) => tool))];
  const named = missing.map(({ tool, host }) => `${tool} on ${host}`);
  throw new PenstockError(
    "usage",
    `plan ${plan} needs tools that their agents do not allow: ${listNames(named)}`,
    {
      hint: "add them to tools: in the configuration of these agents",
    },
  );
}
