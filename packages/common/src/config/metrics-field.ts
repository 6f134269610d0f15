import { z } from "zod";
import { listenField } from "./fields.ts";

/** Where a process serves its metrics. */
export interface MetricsSettings {
  /** `host:port`; port 0 takes any free one. */
  readonly listen: string;
}

/** The key `metrics`. By default on loopback only: the metrics are served by plain HTTP. */
export function metricsField(listen: string): z.ZodType<MetricsSettings> {
  return z
    .strictObject({
      listen: listenField
        .prefault(listen)
        .describe("Address and port; plain HTTP, so let it be loopback or a trusted network"),
    })
    .describe("Serve metrics for Prometheus at /metrics; by default none are");
}
