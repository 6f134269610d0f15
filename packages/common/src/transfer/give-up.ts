import { PenstockError } from "../errors.ts";
import type { Channel } from "./channel.ts";

/**
 * Ends a connection that cannot go on. What is wrong with it is told to the other side, where gRPC
 * can; if it has only broken, there is nothing to tell.
 */
export function giveUp(channel: Channel, error: unknown): void {
  if (error instanceof PenstockError && error.code !== "unreachable") channel.fail(error);
  else channel.cut();
}
