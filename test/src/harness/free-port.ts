import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";

const FIRST_PORT = 10_000;
const END_PORT = 32_768;
const POOLS = 32;

/**
 * A TCP port on loopback that nobody listens at. The system gives it to no connection and to no other
 * listener by itself, and it is not given out again here soon, so whoever binds it keeps it over
 * restarts; a process that asks for this very port may still be faster.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = slice.first + (next++ % slice.count);
    if (await isFree(port)) return port;
  }
}

/** The ports of this process: each of vitest's workers has others. */
const slice = sliceOf(Number(process.env["VITEST_POOL_ID"] ?? 0));
/** Another process may have had the same slice a moment ago. */
let next = process.pid % slice.count;

function sliceOf(pool: number): { readonly first: number; readonly count: number } {
  const count = Math.floor((Math.min(END_PORT, firstEphemeralPort()) - FIRST_PORT) / POOLS);
  return { first: FIRST_PORT + (pool % POOLS) * count, count };
}

/** From here on the system takes ports for whoever does not care; see ip(7). */
function firstEphemeralPort(): number {
  try {
    const range = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8");
    return Math.max(Number.parseInt(range, 10), 2 * FIRST_PORT);
  } catch {
    return END_PORT; // not Linux
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}
