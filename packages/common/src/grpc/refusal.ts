import type { TLSSocket } from "node:tls";
import { toError } from "../errors.ts";
import { describeRejection } from "./certificate-words.ts";
import { findIdentity } from "./identity.ts";

/** Why a client whose handshake is complete must be turned away; `undefined` if it is welcome. */
export function findRefusal(socket: TLSSocket): string | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return "it shows no certificate";
  if (!socket.authorized) {
    const identity = findIdentity(certificate);
    const who = identity === undefined ? "" : `${identity.role} ${identity.name}: `;
    return `${who}${describeRejection(String(socket.authorizationError), certificate)}`;
  }
  return socket.alpnProtocol === "h2" ? undefined : "it does not speak HTTP/2";
}

/**
 * Why a handshake with a client failed; `undefined` if the client only went away, as whoever looks
 * whether the port is open does.
 */
export function describeHandshakeError(thrown: unknown): string | undefined {
  const error = toError(thrown) as Error & { code?: string; reason?: string };
  switch (error.code) {
    case "ECONNRESET":
      return undefined;
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_HTTP_REQUEST":
      return "it does not speak TLS";
    case "ERR_SSL_UNSUPPORTED_PROTOCOL":
      return "it speaks a version of TLS before 1.2";
    case "ERR_SSL_NO_APPLICATION_PROTOCOL":
      return "it does not speak HTTP/2";
    case "ERR_TLS_HANDSHAKE_TIMEOUT":
      return "it did not finish the TLS handshake in time";
    default:
      return `the TLS handshake failed: ${error.reason ?? error.message}`;
  }
}
