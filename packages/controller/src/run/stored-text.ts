import { collect, PenstockError, type Receipt } from "@penstock/common";
import { named } from "../mover/named.ts";
import { rawBytes } from "../mover/stored-bytes.ts";
import type { RunContext } from "./context.ts";

/** What a tool says of itself is small. */
const TEXT_LIMIT_BYTES = 64 * 1024 * 1024;

/** A small stream read back, as its tool wrote it. Throws `damaged`. */
export async function storedText(
  { targets }: Pick<RunContext, "targets">,
  receipt: Receipt,
  signal: AbortSignal,
): Promise<string> {
  const [first] = targets;
  if (first === undefined) throw new PenstockError("internal", "a run without a target");
  const raw = rawBytes(first.target, receipt, signal);
  const { name: stream, host } = receipt;
  const bytes = await named({ host, stream }, collect(raw, TEXT_LIMIT_BYTES));
  return Buffer.from(bytes).toString("utf8");
}
