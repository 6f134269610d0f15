import type { Registry } from "prom-client";
import type { Metric } from "./metric.ts";

/** The metrics of a state as the text that Prometheus reads, with `HELP` and `TYPE` of each. */
export async function renderMetrics<S>(metrics: readonly Metric<S>[], state: S): Promise<string> {
  const { Counter, Gauge, Registry } = await import("prom-client");
  const registry: Registry = new Registry();
  for (const { name, type, help, labels, read } of metrics) {
    const settings = { name, help, labelNames: [...labels], registers: [registry] };
    const metric = type === "counter" ? new Counter(settings) : new Gauge(settings);
    for (const sample of read(state)) metric.inc({ ...sample.labels }, sample.value);
  }
  return await registry.metrics();
}
