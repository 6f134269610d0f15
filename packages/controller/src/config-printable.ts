import { formatDuration, formatSize, showArgument } from "@penstock/common";
import type { ControllerConfig } from "./config.ts";
import type { PlanConfig } from "./config-plan.ts";
import { printableStall } from "./config-stall.ts";
import { printableThrottle, printableWindows } from "./config-throttle.ts";

const SECRET_NAME = /pass|pwd|secret|token|key|cred/i;
const HIDDEN = "***";

/**
 * The configuration as it takes effect, with all defaults, in the form of its file. Values of
 * environment and host variables whose names sound like secrets are shown as `***`.
 */
export function toPrintable(config: ControllerConfig): object {
  const plans = Object.entries(config.plans).map(([name, plan]) => [name, printablePlan(plan)]);
  return hideSecrets({ ...config, plans: Object.fromEntries(plans) }) as object;
}

function printablePlan(plan: PlanConfig): object {
  return {
    ...plan,
    throttle: printableThrottle(plan.throttle),
    windows: printableWindows(plan.windows),
    grace: formatDuration(plan.grace),
    stall_timeout: printableStall(plan.stall_timeout),
    lease: formatDuration(plan.lease),
    segmentSize: formatSize(plan.segmentSize),
  };
}

/** A deep copy. Variables are what lies in a map called `env` or `vars`, whatever the producer. */
function hideSecrets(value: unknown, isVariables = false): unknown {
  if (Array.isArray(value)) return value.map((entry) => hideSecrets(entry));
  if (typeof value === "string") return showArgument(value);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, entry]) => {
      if (isVariables && SECRET_NAME.test(name)) return [name, HIDDEN];
      return [name, hideSecrets(entry, name === "env" || name === "vars")];
    }),
  );
}
