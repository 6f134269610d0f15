import { once } from "node:events";
import { chmod, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { collect, PenstockError, toPenstockError } from "@penstock/common";
import { z } from "zod";
import type { RunFolder } from "./run-folder.ts";
import type { RunSnapshot } from "./run-snapshot.ts";
import { openSocketPath } from "./socket-path.ts";

const REQUEST_TIMEOUT_MS = 5_000;
const MOST_CONNECTIONS = 64;
const BODY_LIMIT_BYTES = 4_096;

/** A run as others steer it. `by` is who asks: user and host, in printable characters. */
export interface Steered {
  snapshot(): RunSnapshot;
  /** The run ends as by Ctrl-C; this does not wait for it. */
  cancel(by: string): void;
  /** Bytes per second; null is as fast as it can. */
  throttle(rate: number | null, by: string): void;
}

const by = z.string().regex(/^[\x21-\x7e]{1,200}$/);

const cancelSchema = z.object({ by });
const throttleSchema = z.object({ rate: z.number().int().positive().nullable(), by });

/**
 * Serves a run on the socket in its folder, for its own user alone. A socket that a dead process left
 * is replaced. Disposing it removes the socket.
 */
export async function serveControl(folder: RunFolder, run: Steered): Promise<AsyncDisposable> {
  await using opened = new AsyncDisposableStack();
  const socket = opened.use(await openSocketPath(folder));
  await rm(socket.path, { force: true });
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => void answer(run, request, response),
  );
  server.maxConnections = MOST_CONNECTIONS;
  server.listen(socket.path);
  await once(server, "listening");
  opened.defer(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  });
  await chmod(socket.path, 0o600); // until here the folder alone has kept others out
  return opened.move();
}

/** Never rejects. */
async function answer(
  run: Steered,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.on("error", () => {}); // who asked is gone
  try {
    send(response, 200, await handle(run, request));
  } catch (error) {
    const { code, message } = toPenstockError(error, "request");
    send(response, code === "not_found" ? 404 : 400, { error: message });
  }
}

async function handle(run: Steered, request: IncomingMessage): Promise<unknown> {
  switch (`${request.method} ${request.url}`) {
    case "GET /status":
      return run.snapshot();
    case "POST /cancel": {
      run.cancel((await readBody(request, cancelSchema)).by);
      return {};
    }
    case "POST /throttle": {
      const { rate, by: who } = await readBody(request, throttleSchema);
      run.throttle(rate, who);
      return {};
    }
    default:
      throw new PenstockError("not_found", `${request.method} ${request.url} is not known`);
  }
}

async function readBody<T>(request: IncomingMessage, schema: z.ZodType<T>): Promise<T> {
  const body = await collect(request, BODY_LIMIT_BYTES);
  return schema.parse(JSON.parse(body.toString()));
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json", connection: "close" });
  response.end(JSON.stringify(value));
}
