import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { isErrno } from "./errors.ts";

/**
 * Makes this process the only one on this host that has a name, of whatever length; `undefined` if
 * another has it. The lock is a socket name that Linux frees when its process ends, however it ends: no
 * file can be left behind. A stopped process keeps it.
 */
export async function lockByName(name: string): Promise<AsyncDisposable | undefined> {
  const server = createServer((socket) => socket.destroy());
  // Hashed: a socket's name has at most 107 bytes.
  server.listen({ path: `\0penstock:${createHash("sha256").update(name).digest("hex")}` });
  try {
    await once(server, "listening");
  } catch (error) {
    if (isErrno(error, "EADDRINUSE")) return undefined;
    throw error;
  }
  server.unref();
  return {
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}
