import { once } from "node:events";
import { mkdir, realpath } from "node:fs/promises";
import { createServer } from "node:net";
import { isErrno, PenstockError } from "@penstock/common";

/**
 * Keeps a second agent from using the same state directory: it would take the live runs of the first
 * for those of a dead one. Throws `usage` if there is one. The lock is a socket name that Linux frees
 * when its process ends, however it ends; there is no file that could be left behind.
 */
export async function lockState(stateDirectory: string): Promise<AsyncDisposable> {
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
  const server = createServer((socket) => socket.destroy());
  server.listen({ path: `\0penstock-agent:${await realpath(stateDirectory)}` });
  try {
    await once(server, "listening");
  } catch (error) {
    throw isErrno(error, "EADDRINUSE") ? inUse(stateDirectory, error) : error;
  }
  server.unref();
  return {
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

function inUse(stateDirectory: string, cause: Error): PenstockError {
  const message = `state directory ${stateDirectory} is in use by another agent`;
  return new PenstockError("usage", message, {
    cause,
    hint: "is this agent running already? every agent needs a stateDirectory of its own",
  });
}
