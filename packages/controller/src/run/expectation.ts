import { type Manifest, sizesOf } from "@penstock/common";
import { findSet } from "../catalogue/catalogue.ts";
import type { Expected } from "../runs/report.ts";
import type { RunContext } from "./context.ts";

/** What a backup may come to: as much as the plan's last committed set on its first target. */
export async function expectAsBefore(
  { targets, cluster, plan }: Pick<RunContext, "targets" | "cluster" | "plan">,
  signal: AbortSignal,
): Promise<Expected> {
  const { manifest } = await findSet(targets.slice(0, 1), cluster, "LATEST", plan, signal);
  return toExpected(manifest);
}

/** What a restore comes to. */
export function toExpected({ streams }: Manifest): Expected {
  return {
    bytes: sizesOf(streams).bytesStored,
    streams: Object.fromEntries(streams.map(({ name, bytesStored }) => [name, bytesStored])),
  };
}
