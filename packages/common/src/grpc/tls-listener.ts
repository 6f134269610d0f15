import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { createServer, type Server, type TLSSocket, type TlsOptions } from "node:tls";
import { formatAddress, parseListenAddress } from "../config/address.ts";
import { PenstockError, toError } from "../errors.ts";
import { describeHandshakeError, findRefusal } from "./refusal.ts";
import type { TlsMaterial } from "./tls-material.ts";

/** What a listener does with those who connect. */
export interface ConnectionHandlers {
  /** A connection whose certificate is good. */
  readonly onConnection: (socket: TLSSocket) => void;
  /** A client was turned away: its address, and why. Or nobody can be accepted at our address. */
  readonly onRefused: (address: string, reason: string) => void;
}

/** After this long a connection that has not finished its handshake is closed. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * A port behind mutual TLS (1.2 or newer). It checks certificates itself, instead of leaving it to
 * `rejectUnauthorized`, because then it can say whose certificate was refused and why.
 */
export class TlsListener implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #closed: Promise<unknown>;

  private constructor(server: Server) {
    this.#server = server;
    this.#closed = new Promise((resolve) => server.once("close", resolve));
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  /** Listens at "host:port". Throws `usage` if the address is none or cannot be taken. */
  static async open(
    address: string,
    material: TlsMaterial,
    handlers: ConnectionHandlers,
  ): Promise<TlsListener> {
    const { host, port } = parseListenAddress(address);
    const server = createServer(toTlsOptions(material));
    const listener = new TlsListener(server);
    try {
      await once(server.listen({ host, port }), "listening");
    } catch (thrown) {
      throw toListenError(address, toError(thrown));
    }
    handleConnections(server, address, handlers);
    return listener;
  }

  /** The port, which matters if 0 was asked for. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Accepts nobody any more; resolves when every connection has ended. May be called again. */
  async close(): Promise<void> {
    this.#server.close();
    await this.#closed;
  }

  /** Cuts every connection and accepts nobody any more. May be called again. */
  abort(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Aborts, and waits until the port is free. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.abort();
    await this.#closed;
  }
}

function toTlsOptions({ ca, cert, key }: TlsMaterial): TlsOptions {
  return {
    ca: Buffer.from(ca),
    cert: Buffer.from(cert),
    key: Buffer.from(key),
    minVersion: "TLSv1.2",
    ALPNProtocols: ["h2"],
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    requestCert: true,
    rejectUnauthorized: false, // `findRefusal` does, and can tell why
  };
}

function handleConnections(server: Server, address: string, handlers: ConnectionHandlers): void {
  server.on("secureConnection", (socket) => {
    socket.on("error", () => {}); // the session sees it close; alone it would end the process
    const reason = server.listening ? findRefusal(socket) : "closing";
    if (reason === undefined) return handlers.onConnection(socket);
    if (server.listening) handlers.onRefused(remoteAddress(socket), reason);
    socket.destroy();
  });
  server.on("tlsClientError", (error, socket) => {
    const reason = describeHandshakeError(error);
    if (reason !== undefined) handlers.onRefused(remoteAddress(socket), reason);
  });
  // Out of file descriptors, for example: those connected go on.
  server.on("error", (error) => handlers.onRefused(address, `cannot accept: ${error.message}`));
}

function remoteAddress(socket: TLSSocket): string {
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) return "an unknown address";
  return formatAddress({ host: remoteAddress, port: remotePort });
}

function toListenError(address: string, cause: Error): PenstockError {
  return new PenstockError("usage", `cannot listen at ${address}: ${cause.message}`, { cause });
}
