import { PenstockError } from "@penstock/common";
import { named } from "../mover/named.ts";
import { rawBytes } from "../mover/stored-bytes.ts";
import type { RunPlan } from "../producers/producer.ts";
import type { Target } from "../targets/target.ts";

/**
 * Has a plan look into a stored stream, before anything is made or started: see `RunPlan.lookInto`.
 * Throws `not_found` with what it misses there, and `damaged`, with stream and host.
 */
export async function lookInto(
  target: Target,
  { lookInto: look }: Pick<RunPlan, "lookInto">,
  signal: AbortSignal,
): Promise<void> {
  if (look === undefined) return;
  const { host, name: stream } = look.receipt;
  const raw = rawBytes(target, look.receipt, signal);
  const problem = await named({ host, stream }, look.problem(raw, signal));
  if (problem !== undefined) throw new PenstockError("not_found", problem.message, problem);
}
