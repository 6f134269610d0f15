/** Wakes the process ten times a second; the library's own default is a hundred. */
const EVENT_LOOP_SAMPLE_MS = 100;

/**
 * Begins to watch this process, all of its threads but for the event loop: that of this thread. Returns
 * what renders memory, processor time, event loop lag, descriptors and garbage collection, by the names
 * that are usual for Node. It is watched to its end.
 */
export async function openProcessMetrics(): Promise<() => Promise<string>> {
  const { collectDefaultMetrics, Registry } = await import("prom-client");
  const register = new Registry();
  collectDefaultMetrics({ register, eventLoopMonitoringPrecision: EVENT_LOOP_SAMPLE_MS });
  return () => register.metrics();
}
