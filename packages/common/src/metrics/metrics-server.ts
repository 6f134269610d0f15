import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { parseListenAddress } from "../config/address.ts";
import { PenstockError, toError } from "../errors.ts";

const REQUEST_TIMEOUT_MS = 5_000;
const MOST_CONNECTIONS = 16;
/** Of Prometheus' text format. */
const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Metrics are served. Disposing of it frees the port. */
export interface MetricsServer extends AsyncDisposable {
  readonly port: number;
}

/**
 * Serves a text at `/metrics`, and nothing else, by plain HTTP to whoever reaches the address. It is
 * made anew for each who asks; what that throws is an answer 500. Throws `usage` if the address cannot
 * be taken.
 */
export async function listenForMetrics(
  listen: string,
  render: () => Promise<string>,
): Promise<MetricsServer> {
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => void answer(render, request, response),
  );
  server.maxConnections = MOST_CONNECTIONS;
  try {
    await once(server.listen(parseListenAddress(listen)), "listening");
  } catch (thrown) {
    throw toListenError(listen, toError(thrown));
  }
  server.on("error", () => {}); // out of descriptors, for example: who asks again may have luck
  const { port } = server.address() as AddressInfo;
  return { port, [Symbol.asyncDispose]: () => close(server) };
}

async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

/** Never rejects. */
async function answer(
  render: () => Promise<string>,
  { method, url = "" }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.on("error", () => {}); // who asked is gone
  const [path] = url.split("?", 1);
  if (path !== "/metrics") return send(response, 404, "metrics are at /metrics\n");
  if (method !== "GET" && method !== "HEAD") return send(response, 405, "allowed: GET\n");
  try {
    send(response, 200, await render());
  } catch (error) {
    send(response, 500, `cannot read the metrics: ${toError(error).message}\n`);
  }
}

function send(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": CONTENT_TYPE });
  response.end(text);
}

function toListenError(listen: string, cause: Error): PenstockError {
  const message = `metrics.listen: cannot listen at ${listen}: ${cause.message}`;
  return new PenstockError("usage", message, {
    cause,
    hint: "every process that serves metrics needs an address of its own",
  });
}
