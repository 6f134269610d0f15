import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { Failure, messageOf } from "./failure.ts";

const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 200;
/** The agent takes hundreds of connections a second. */
const LIMIT_MS = 10_000;

/**
 * Connects to an agent. One that has more connections waiting than the system lets it have (somaxconn) is
 * tried again for 10 s. Throws a Failure if it cannot be reached.
 */
export async function reach(path: string): Promise<Socket> {
  const deadlineMs = performance.now() + LIMIT_MS;
  for (let waitMs = FIRST_PAUSE_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_PAUSE_MS)) {
    const socket = connect(path);
    try {
      await once(socket, "connect");
      return socket;
    } catch (cause) {
      socket.destroy();
      if (isFull(cause) && performance.now() < deadlineMs) {
        // Not all that were refused together come back together.
        await pause(waitMs * (0.5 + Math.random()));
        continue;
      }
      const message = `cannot reach penstock-agent at ${path}: ${messageOf(cause)}`;
      throw new Failure(message, { cause });
    }
  }
}

/** A Unix socket whose queue is full says so at once, where others would wait. */
function isFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EAGAIN";
}
