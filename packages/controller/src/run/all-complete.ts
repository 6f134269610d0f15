import type { Receipt } from "@penstock/common";
import { inBatches } from "../in-batches.ts";
import { assertComplete } from "../mover/stored-bytes.ts";
import type { Target } from "../targets/target.ts";
import { together } from "./together.ts";

/** Throws `damaged` unless every one of these streams is there and whole, as far as that is seen without reading. */
export async function assertAllComplete(
  target: Target,
  receipts: readonly Receipt[],
  signal: AbortSignal,
): Promise<void> {
  const assertEach = (receipt: Receipt): Promise<void> => assertComplete(target, receipt, signal);
  await inBatches(receipts, (batch) => together(batch, assertEach));
}
