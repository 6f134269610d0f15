import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { PenstockError } from "@penstock/common";
import { PluginConnection } from "./plugin-connection.ts";
import type { PluginSessions } from "./plugin-sessions.ts";
import { takeSocketPlace } from "./socket-place.ts";

/** All segments of a host may start a process at the same moment, for several tables each. */
const BACKLOG = 4_096;
/** How long processes may take to hear that the agent ends. */
const FAREWELL_MS = 1_000;

/**
 * Serves plugin processes on a Unix socket, for the agent's own user alone. Disposing it ends all
 * connections and removes the socket. Throws `usage` if there cannot be a socket at that path.
 */
export async function servePlugins(
  path: string,
  sessions: PluginSessions,
): Promise<AsyncDisposable> {
  await using opened = new AsyncDisposableStack();
  opened.use(await takeSocketPlace(path));
  const connections = new Set<PluginConnection>();
  const server = createServer((socket) => {
    const connection = new PluginConnection(socket);
    connections.add(connection);
    void connection.closed.then(() => connections.delete(connection));
    void sessions.serve(connection);
  });
  await listen(server, path);
  server.on("error", (error) => sessions.failedToAccept(error)); // too many descriptors, for one
  opened.defer(() => close(server, connections));
  return opened.move();
}

/** No other user can connect, not even for a moment: the name is made within `listen`. */
async function listen(server: Server, path: string): Promise<void> {
  const umask = process.umask(0o177);
  try {
    server.listen({ path, backlog: BACKLOG });
  } finally {
    process.umask(umask);
  }
  await once(server, "listening");
}

async function close(server: Server, connections: ReadonlySet<PluginConnection>): Promise<void> {
  const closed = once(server, "close");
  server.close();
  const error = new PenstockError("failed", "the agent is being stopped");
  for (const connection of connections) connection.fail(error);
  const limit = new AbortController();
  const late = pause(FAREWELL_MS, undefined, { signal: limit.signal }).catch(() => {});
  await Promise.race([closed, late]);
  limit.abort();
  for (const connection of connections) connection.destroy();
  await closed;
}
