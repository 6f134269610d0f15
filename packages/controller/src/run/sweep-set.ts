import { setKeys } from "../catalogue/keys.ts";
import type { RunContext } from "./context.ts";

/** Removes what the targets still hold of a set's unfinished objects. Never throws. */
export async function sweepSet(
  { cluster, targets }: Pick<RunContext, "cluster" | "targets">,
  set: string,
  signal: AbortSignal,
): Promise<void> {
  const { scope } = setKeys(cluster, set);
  await Promise.allSettled(targets.map(({ target }) => target.sweep(scope, signal)));
}
