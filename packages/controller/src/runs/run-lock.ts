import { createHash } from "node:crypto";
import { once } from "node:events";
import { realpath } from "node:fs/promises";
import { createServer } from "node:net";
import { isErrno, PenstockError } from "@penstock/common";
import type { RunFolder } from "./run-folder.ts";

/**
 * Makes this process the only one on this host that works on a run. Throws `locked` if another does.
 * The lock is a socket name that Linux frees when its process ends, however it ends; a stopped
 * process keeps it.
 */
export async function lockRun({ path, run }: RunFolder): Promise<AsyncDisposable> {
  const name = createHash("sha256")
    .update(await realpath(path))
    .digest("hex");
  const server = createServer((socket) => socket.destroy());
  server.listen({ path: `\0penstock-run:${name}` });
  try {
    await once(server, "listening");
  } catch (error) {
    throw isErrno(error, "EADDRINUSE") ? busy(run, error) : error;
  }
  server.unref();
  return {
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

function busy(run: string, cause: Error): PenstockError {
  const message = `run ${run}: a process of this host is at work on it`;
  return new PenstockError("locked", message, { cause, hint: "see: penstock status" });
}
