import { createHash } from "node:crypto";
import type { RunPlan } from "../producers/producer.ts";
import type { RunContext } from "./context.ts";

/**
 * Of all that must be the same for another process to go on with a run. It tells two plans apart
 * without holding what they say: their variables may be secrets.
 */
export function digestOfPlan(
  { targets, codec, segmentBytes, graceMs }: RunContext,
  { streams, tools, files, strays }: RunPlan,
): string {
  const stored = { targets: targets.map(({ name, target }) => [name, target.url]), codec };
  const said = { streams, tools, files, strays, ...stored, segmentBytes, graceMs };
  return createHash("sha256").update(JSON.stringify(said)).digest("hex");
}
