import type { Manifest } from "@penstock/common";
import type { Target } from "../targets/target.ts";
import { readIfWhole } from "./documents.ts";
import { setKeys } from "./keys.ts";
import { newestFirst } from "./newest-first.ts";

/** Each costs a large request; a plan that has none among so many is not run regularly. */
const MOST_SETS = 100;

/**
 * The newest committed set of each of these plans on one target, in no order, as far as there is one among
 * the target's newest 100 sets. A damaged manifest is passed over: other commands tell of it.
 */
export async function newestOfPlans(
  target: Target,
  cluster: string,
  plans: readonly string[],
  signal: AbortSignal,
): Promise<Manifest[]> {
  const missing = new Set(plans);
  const found: Manifest[] = [];
  const newest = await newestFirst([{ target }], cluster, signal);
  for (const { set } of newest.slice(0, MOST_SETS)) {
    if (missing.size === 0) break;
    const manifest = await readIfWhole(target, setKeys(cluster, set).manifest, () => {}, signal);
    if (manifest !== undefined && missing.delete(manifest.plan)) found.push(manifest);
  }
  return found;
}
