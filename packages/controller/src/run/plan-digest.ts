import { createHash } from "node:crypto";
import type { RunPlan } from "../producers/producer.ts";

/** Tells two plans apart without holding what they say: their variables may be secrets. */
export function digestOfPlan({ streams, tools, files }: RunPlan): string {
  const said = JSON.stringify({ streams, tools, files });
  return createHash("sha256").update(said).digest("hex");
}
