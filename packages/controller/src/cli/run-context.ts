import { openMoverPool } from "../mover/mover-pool.ts";
import { agentsOf, createProducer } from "../producers/producers.ts";
import type { RunContext } from "../run/context.ts";
import type { Reporter } from "../run/report.ts";
import type { Loaded } from "./loaded.ts";

/** Opens what a run of a plan needs. All of it is closed with `loaded`. */
export async function openRunContext(
  loaded: Loaded,
  planName: string,
  report: Reporter,
  signal: AbortSignal,
): Promise<RunContext> {
  const { config, tls, explain } = loaded;
  const plan = loaded.plan(planName);
  const origin = ["plans", planName, "producer"];
  if (plan.throttle !== undefined) {
    report({ event: "warning", message: `plan ${planName}: this version does not apply throttle` });
  }
  const targets = await loaded.targets(plan.targets, signal);
  return {
    cluster: config.cluster,
    plan: planName,
    producerType: plan.producer.type,
    producer: createProducer(plan.producer, origin, loaded.errorAt),
    agents: loaded.agents(agentsOf(plan.producer).map(({ name }) => name)),
    targets,
    mover: loaded.use(openMoverPool(config.movers, tls)),
    codec: plan.compression,
    segmentBytes: plan.segmentSize,
    limits: plan.limits,
    graceMs: plan.grace,
    leaseMs: plan.lease,
    explain,
    report,
  };
}
