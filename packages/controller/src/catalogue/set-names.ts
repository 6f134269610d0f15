import type { Target } from "../targets/target.ts";
import { isSetName } from "./keys.ts";

/** Names of all sets of a cluster on one target, committed or not. */
export async function setNames(
  target: Target,
  cluster: string,
  signal: AbortSignal,
): Promise<string[]> {
  const keys = await target.list(`${cluster}/`, signal);
  const names = keys.flatMap((key) => key.split("/")[1] ?? []);
  return [...new Set(names)].filter(isSetName);
}
