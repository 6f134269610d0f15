import type { ServerOptions as Http2Options, Http2Server, ServerHttp2Session } from "node:http2";
import { Server, type ServerOptions } from "@grpc/grpc-js";
import { PenstockError } from "../errors.ts";

/**
 * How many bytes a side may send before it must wait for the other: of one stream, and of one
 * connection. HTTP/2's own 64 KiB make 3 MB/s at a round trip of 20 ms. It is also the most that a
 * stream whose reader is stalled can hold in memory. Node gives the connection's window back as
 * soon as bytes arrive, so a stalled stream does not hold up its neighbours.
 */
export const WINDOW_BYTES: number = 16 * 1024 * 1024;

/**
 * A grpc-js server that receives as fast as it sends. For a client there is an option,
 * `grpc-node.flow_control_window`; for a server there is none, so this reaches into the one place
 * where grpc-js makes its HTTP/2 servers. Throws `internal`, rather than be slow in silence, if a
 * new version of grpc-js has changed that place.
 */
export function createWindowedServer(options: ServerOptions): Server {
  const server = new Server(options);
  const internals = server as unknown as Partial<ServerInternals>;
  const { commonServerOptions, createHttp2Server } = internals;
  if (commonServerOptions === undefined || createHttp2Server === undefined) {
    throw new PenstockError("internal", "this version of grpc-js hides its HTTP/2 server");
  }
  const settings = { ...commonServerOptions.settings, initialWindowSize: WINDOW_BYTES };
  commonServerOptions.settings = settings;
  internals.createHttp2Server = (credentials) => {
    const http2Server = createHttp2Server.call(server, credentials);
    return http2Server.on("session", (session: ServerHttp2Session) => {
      session.setLocalWindowSize(WINDOW_BYTES);
    });
  };
  return server;
}

/** What we touch of grpc-js that it calls private. */
interface ServerInternals {
  readonly commonServerOptions: Http2Options;
  createHttp2Server(credentials: unknown): Http2Server;
}
