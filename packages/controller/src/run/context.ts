import type { CodecName } from "@penstock/common";
import type { NamedTarget } from "../catalogue/catalogue.ts";
import type { StallTimeouts } from "../config-stall.ts";
import type { RunMetricsSettings } from "../metrics/serve-run-metrics.ts";
import type { Mover } from "../mover/jobs.ts";
import type { Producer } from "../producers/producer.ts";
import type { Reporter } from "../runs/report.ts";
import type { TargetConfig } from "../targets/targets.ts";
import type { AgentClient } from "./agent-client.ts";
import type { ToolLimits } from "./limits.ts";
import type { RunPace } from "./pace.ts";
import type { ExplainOrigin } from "./prepare.ts";

/** A tool that somebody else has started, and that the run is for. */
export interface ToolClient {
  readonly tool: string;
  readonly host: string;
  /** Resolves when its process is gone, if that can be seen. */
  readonly gone: Promise<void> | undefined;
  /** See `PluginKey.sign`: it is for this set's sake. */
  readonly sign: string;
}

/** Everything that a run of a plan needs: read from the configuration, opened, not yet used. */
export interface RunContext {
  readonly cluster: string;
  /** The plan's name. */
  readonly plan: string;
  /** The producer's type, for the manifest. */
  readonly producerType: string;
  readonly producer: Producer;
  /** The plan's hosts and no others. */
  readonly agents: readonly AgentClient[];
  readonly targets: readonly (NamedTarget & { readonly config: TargetConfig })[];
  readonly mover: Mover;
  readonly codec: CodecName;
  readonly segmentBytes: number;
  readonly limits: ToolLimits;
  readonly graceMs: number;
  readonly leaseMs: number;
  /** How long a backup, or a restore, may stand still. */
  readonly stall: StallTimeouts;
  /** How fast the run may go; can be changed while it does. */
  readonly pace: RunPace;
  /** Where what must outlive the command is kept; see run-folder.ts. */
  readonly runDirectory: string;
  /** Where its metrics are served while it goes on, if anywhere. */
  readonly metrics: RunMetricsSettings | undefined;
  /** Instead of the plan's tools. */
  readonly client?: ToolClient;
  readonly explain: ExplainOrigin;
  readonly report: Reporter;
}
