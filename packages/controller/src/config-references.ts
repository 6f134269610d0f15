import { type ConfigProblem, quote, unknownName } from "@penstock/common";
import type { ControllerConfig } from "./config.ts";
import type { PlanConfig } from "./config-plan.ts";
import { agentsOf } from "./producers/producers.ts";

/** Names in plans that nothing else in the configuration has, and targets named twice. */
export function referenceProblems({ agents, targets, plans }: ControllerConfig): ConfigProblem[] {
  return Object.entries(plans).flatMap(([name, plan]) =>
    [...agentProblems(plan, agents), ...targetProblems(plan, targets)].map(({ path, message }) => ({
      path: ["plans", name, ...path],
      message,
    })),
  );
}

function agentProblems({ producer }: PlanConfig, agents: object): ConfigProblem[] {
  return agentsOf(producer, Object.keys(agents)).flatMap(({ name, path }) => {
    if (Object.hasOwn(agents, name)) return [];
    const message = unknownName("agent", name, Object.keys(agents));
    return [{ path: ["producer", ...path], message }];
  });
}

function targetProblems({ targets: names }: PlanConfig, targets: object): ConfigProblem[] {
  return names.flatMap((name, index) => {
    const path = ["targets", index];
    if (!Object.hasOwn(targets, name)) {
      return [{ path, message: unknownName("target", name, Object.keys(targets)) }];
    }
    if (names.indexOf(name) === index) return [];
    return [{ path, message: `duplicate target ${quote(name)}` }];
  });
}
