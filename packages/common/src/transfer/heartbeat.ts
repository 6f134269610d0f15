import type { Channel } from "./channel.ts";

/** A side that has sent nothing else for this long sends a Heartbeat. */
const HEARTBEAT_MS = 5_000;

/** A connection on which nothing arrives for this long is taken for broken. */
const SILENCE_MS = 3 * HEARTBEAT_MS;

/** Sends heartbeats on a channel until it is disposed of. */
export function startHeartbeat(channel: Channel, signal: AbortSignal): Disposable {
  const timer = setInterval(() => {
    // A broken connection is noticed by whoever reads from it.
    channel.send({ message: { $case: "heartbeat", value: { waitingForTool: false } } }, signal).catch(() => {});
  }, HEARTBEAT_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** The promise's value; cuts the channel if it takes longer than a live peer ever would. */
export async function expectLife<T>(promise: Promise<T>, channel: Channel): Promise<T> {
  const timer = setTimeout(() => channel.cut(), SILENCE_MS);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
