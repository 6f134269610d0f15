import { decompress, flow, PenstockError } from "@penstock/common";
import { named } from "../mover/named.ts";
import { storedBytes } from "../mover/stored-bytes.ts";
import type { RunPlan } from "../producers/producer.ts";
import type { RestoreParts } from "./restore-run.ts";

/**
 * Has a plan look into a stored stream, before anything is made or started: see `RunPlan.lookInto`.
 * Throws `not_found` with what it misses there, and `damaged`, with stream and host.
 */
export async function lookInto(
  { source, manifest }: Pick<RestoreParts, "source" | "manifest">,
  { lookInto: look }: Pick<RunPlan, "lookInto">,
  signal: AbortSignal,
): Promise<void> {
  if (look === undefined) return;
  const receipt = manifest.streams.find(({ name }) => name === look.stream);
  if (receipt === undefined) {
    throw new PenstockError("not_found", `the set has no stream ${look.stream}`);
  }
  const stored = storedBytes(source.target, receipt, signal);
  const { host, name: stream, codec } = receipt;
  const problem = await named(
    { host, stream },
    look.problem(flow(signal, stored, ...decompress(codec)), signal),
  );
  if (problem !== undefined) throw new PenstockError("not_found", problem.message, problem);
}
