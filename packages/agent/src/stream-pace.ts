import { type BytesPerSecond, PenstockError } from "@penstock/common";
import type { StreamPace } from "@penstock/proto";
import type { StreamPlan } from "./stream-plan.ts";

/** How fast a stream may go. */
export interface NamedPace {
  readonly name: string;
  /** `undefined` is as fast as it can. */
  readonly rate: BytesPerSecond | undefined;
}

/** Paces as they are said on the wire. */
export function toPaces(paces: readonly StreamPace[]): NamedPace[] {
  return paces.map(({ name, bytesPerSecond }) => ({
    name,
    rate: bytesPerSecond === 0n ? undefined : Number(bytesPerSecond),
  }));
}

/** Throws `usage` for a stream to this host: its sender is the mover. */
export function assertPaced({ name, direction }: StreamPlan): void {
  if (direction === "backup") return;
  throw new PenstockError("usage", `stream ${name} is written here: its mover has the pace`);
}
