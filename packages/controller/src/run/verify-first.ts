import type { Manifest, Receipt } from "@penstock/common";
import type { RunPlan } from "../producers/producer.ts";
import type { RunContext } from "./context.ts";
import { runLimited } from "./limits.ts";

/**
 * Reads everything back that a plan restores, if its tool drops what is there before it has read
 * anything: damage must be known before. Not at the pace of the run. Throws `damaged`.
 */
export async function verifyFirst(
  { mover, limits }: Pick<RunContext, "mover" | "limits">,
  { dropsFirst, streams }: RunPlan,
  { source, manifest }: { source: RunContext["targets"][number]; manifest: Manifest },
  signal: AbortSignal,
): Promise<void> {
  if (dropsFirst !== true) return;
  const wanted = new Set(streams.map(({ name }) => name));
  const receipts = manifest.streams.filter(({ name }) => wanted.has(name));
  const events = { onAttached() {}, onProgress() {}, onWaiting() {}, onReconnect() {} };
  const verify = (receipt: Receipt): Promise<void> =>
    mover.verify({ target: source.config, receipt }, events, signal);
  await runLimited(receipts, limits, verify, signal);
}
