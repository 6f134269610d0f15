import { type Clock, systemClock } from "../clock.ts";
import type { Channel } from "./channel.ts";
import type { ChannelSource } from "./channel-source.ts";

/** Each side sends a Heartbeat so often, whatever else flows: it also says whom the side waits for. */
const HEARTBEAT_MS = 5_000;

/** A connection on which nothing arrives for this long is taken for broken. */
const SILENCE_MS = 3 * HEARTBEAT_MS;

/** Sends heartbeats on a channel of `source` until it is disposed of. */
export function startHeartbeat(
  channel: Channel,
  { clock, isWaitingForTool }: Pick<ChannelSource, "clock" | "isWaitingForTool">,
  signal: AbortSignal,
): Disposable {
  return clock.every(HEARTBEAT_MS, () => {
    const value = { waitingForTool: isWaitingForTool?.() ?? false };
    // A broken connection is noticed by whoever reads from it.
    channel.send({ message: { $case: "heartbeat", value } }, signal).catch(() => {});
  });
}

/** The promise's value; cuts the channel if it takes longer than a live peer ever would. */
export async function expectLife<T>(
  promise: Promise<T>,
  channel: Channel,
  clock: Clock = systemClock,
): Promise<T> {
  using _silence = clock.after(SILENCE_MS, () => channel.cut());
  return await promise;
}
