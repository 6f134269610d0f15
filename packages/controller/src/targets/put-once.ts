import { collect } from "@penstock/common";
import type { Target } from "./target.ts";

/**
 * `putIfAbsent` of somebody who may have done it before and does not know: true also if the very same
 * is there already.
 */
export async function putOnce(
  target: Target,
  key: string,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<boolean> {
  if (await target.putIfAbsent(key, body, signal)) return true;
  const range = { offset: 0, length: body.length + 1 };
  const there = await collect(target.read(key, range, signal), range.length);
  return there.equals(body);
}
