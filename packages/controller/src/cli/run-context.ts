import { openMoverPool } from "../mover/mover-pool.ts";
import { agentsOf } from "../producers/producers.ts";
import type { RunContext } from "../run/context.ts";
import { RunPace } from "../run/pace.ts";
import type { Reporter } from "../runs/report.ts";
import { committedSets } from "./committed-sets.ts";
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
  const targets = await loaded.targets(plan.targets, signal);
  const pace = loaded.use(new RunPace(plan));
  return {
    cluster: config.cluster,
    plan: planName,
    producerType: plan.producer.type,
    producer: loaded.producer(planName),
    agents: loaded.agents(
      agentsOf(plan.producer, Object.keys(config.agents)).map(({ name }) => name),
    ),
    targets,
    mover: loaded.use(openMoverPool(config.movers, tls)),
    codec: plan.compression,
    segmentBytes: plan.segmentSize,
    limits: plan.limits,
    graceMs: plan.grace,
    leaseMs: plan.lease,
    stall: plan.stall_timeout,
    pace,
    runDirectory: config.runDirectory,
    metrics: config.metrics && {
      listen: config.metrics.listen,
      committed: (ended) => committedSets(loaded, ended),
    },
    explain,
    report: pace.follow(report),
  };
}
