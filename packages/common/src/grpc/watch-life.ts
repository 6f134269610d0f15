import type { TLSSocket } from "node:tls";

const TICK_MS = 500;

/**
 * After this many ticks without a byte a connection is taken for broken, after four to four and a half
 * seconds: both ends ping each other every second, and whoever is too busy sending for that is
 * heard by what it sends.
 */
const SILENT_TICKS = 8;

/**
 * Closes a connection that has fallen silent: TCP itself would wait for many minutes, and once the link
 * is back until its next try, which is late after a long loss. Counted are turns of our own event
 * loop, so that a process that has stood still itself first reads what has arrived meanwhile.
 */
export function watchLife(socket: TLSSocket, tickMs: number = TICK_MS): void {
  let heardBytes = socket.bytesRead;
  let silentTicks = 0;
  const onTick = (): void => {
    silentTicks = socket.bytesRead === heardBytes ? silentTicks + 1 : 0;
    heardBytes = socket.bytesRead;
    if (silentTicks === SILENT_TICKS) socket.destroy();
  };
  const timer = setInterval(onTick, tickMs).unref();
  socket.once("close", () => clearInterval(timer));
}
