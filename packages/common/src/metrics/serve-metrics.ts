import type { Metric } from "./metric.ts";
import { listenForMetrics, type MetricsServer } from "./metrics-server.ts";
import { openProcessMetrics } from "./process-metrics.ts";
import { renderMetrics } from "./render-metrics.ts";

/**
 * Serves a process's own metrics, and the usual ones of any process of Node, at `/metrics` of the address
 * `listen`. The state is asked for at each scrape; between two of them hardly anything is done, and without a
 * call of this function the library is not even loaded. Throws `usage` if the address cannot be taken.
 */
export async function serveMetrics<S>(
  listen: string,
  metrics: readonly Metric<S>[],
  state: () => S | Promise<S>,
): Promise<MetricsServer> {
  const renderProcess = await openProcessMetrics();
  return await listenForMetrics(listen, async () => {
    const own = await renderMetrics(metrics, await state());
    return `${own.trimEnd()}\n${await renderProcess()}`;
  });
}
