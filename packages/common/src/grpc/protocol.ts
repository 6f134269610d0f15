import type { ProtocolRange } from "@penstock/proto";
import { PenstockError } from "../errors.ts";

/** The versions of the wire protocol that this build speaks. */
export const PROTOCOL: Readonly<ProtocolRange> = { min: 1, max: 1 };

/**
 * The version to use with a caller: the highest that both know. Called by the agent, whose error the
 * operator reads at the controller. Throws `failed`, naming both ranges and who is behind.
 */
export function negotiate(
  theirs: ProtocolRange | undefined,
  ours: ProtocolRange = PROTOCOL,
): number {
  const range = theirs ?? { min: 0, max: 0 };
  const version = Math.min(range.max, ours.max);
  if (version >= Math.max(range.min, ours.min)) return version;
  const behind = range.max < ours.min ? "controller" : "agent";
  const message = `the controller speaks ${describe(range)}, the agent ${describe(ours)}`;
  throw new PenstockError("failed", message, { hint: `upgrade the ${behind}` });
}

function describe({ min, max }: ProtocolRange): string {
  if (max === 0) return "no protocol";
  return min === max ? `protocol ${min}` : `protocols ${min} to ${max}`;
}
