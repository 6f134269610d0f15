import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { CallCredentials, ChannelCredentials, experimental } from "@grpc/grpc-js";

/** Makes a TCP connection to `host` secure, or throws. */
export type Secure = (socket: Socket, host: string) => Promise<TLSSocket>;

/**
 * Channel credentials with a handshake of our own. Those that grpc-js offers would tell us of a
 * refused server only OpenSSL's code: not since when its certificate has expired, nor what it is
 * for. Should a new version of grpc-js ask something else of credentials, no connection is made.
 */
export class PeerCredentials extends ChannelCredentials {
  readonly #secure: Secure;

  constructor(secure: Secure) {
    super();
    this.#secure = secure;
  }

  override _isSecure(): boolean {
    return true;
  }

  override _equals(other: ChannelCredentials): boolean {
    return other === this;
  }

  override _createSecureConnector(
    target: experimental.GrpcUri,
    _options: unknown,
    callCredentials: CallCredentials = CallCredentials.createEmpty(),
  ): experimental.SecureConnector {
    const host = experimental.splitHostPort(target.path)?.host ?? target.path;
    return {
      connect: async (socket) => ({ socket: await this.#secure(socket, host), secure: true }),
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => callCredentials,
      destroy() {},
    };
  }
}
