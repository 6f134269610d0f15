import type { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { isIP, type Socket } from "node:net";
import { connect, type SecureContext, type TLSSocket } from "node:tls";
import { PenstockError, toError } from "../errors.ts";
import { describeRejection } from "./certificate-words.ts";
import { type Expected, findIdentity, findMismatch } from "./identity.ts";

/** How the server's end of a connection is checked. */
export interface SecureOptions {
  /** Our certificate and key, and the CA that we trust. */
  readonly context: SecureContext;
  /** The name or the IP address that we connect to; the certificate must be for it. */
  readonly host: string;
  /** Who must be there. */
  readonly peer: Expected;
  readonly timeoutMs: number;
}

/**
 * Makes a TCP connection secure, checks who is at its other end, and only then gives it back. Throws
 * `unreachable` with words that follow the name of whoever was called: "its certificate has
 * expired on …"; the connection is closed then.
 */
export async function secure(tcp: Socket, options: SecureOptions): Promise<TLSSocket> {
  const { context, host, timeoutMs } = options;
  const socket = connect({
    socket: tcp,
    secureContext: context,
    host,
    ...(isIP(host) === 0 && { servername: host }), // an address is no name to TLS (RFC 6066)
    ALPNProtocols: ["h2"],
    rejectUnauthorized: false, // `findProblem` does, and can tell why
  });
  const problem = await handshake(socket, timeoutMs).then(
    () => findProblem(socket, options),
    (error: unknown) => describeError(toError(error)),
  );
  if (problem === undefined) return socket;
  socket.destroy();
  throw new PenstockError("unreachable", problem);
}

async function handshake(socket: TLSSocket, timeoutMs: number): Promise<void> {
  const onSilence = (): void => void socket.destroy(new Error(SILENT));
  socket.setTimeout(timeoutMs).once("timeout", onSilence);
  await once(socket, "secureConnect");
  socket.setTimeout(0).off("timeout", onSilence);
  socket.on("error", () => {}); // whoever uses the connection sees it close
}

const SILENT = "it does not answer the TLS handshake";

/** What is wrong with the server; `undefined` only if it is trusted, who it should be, and speaks HTTP/2. */
function findProblem(socket: TLSSocket, { host, peer }: SecureOptions): string | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return "it shows no certificate";
  const code = socket.authorized ? undefined : String(socket.authorizationError);
  if (code !== undefined && !LESS_THAN_TRUST.has(code)) return describeRejection(code, certificate);
  const identity = findIdentity(certificate);
  if (identity === undefined) return "its certificate names no Penstock role";
  const mismatch = findMismatch(identity, peer);
  if (mismatch !== undefined) {
    return `its certificate is for ${mismatch.found}, ${mismatch.needed} is needed`;
  }
  if (code === WRONG_NAME) return `its certificate is for ${hostsOf(certificate)}, not for ${host}`;
  if (code !== undefined) return describeRejection(code, certificate);
  return socket.alpnProtocol === "h2" ? undefined : "it does not speak HTTP/2";
}

const WRONG_NAME = "ERR_TLS_CERT_ALTNAME_INVALID";

/** A role that does not fit is the better explanation for these. */
const LESS_THAN_TRUST: ReadonlySet<string> = new Set([WRONG_NAME, "INVALID_PURPOSE"]);

/** The hosts in a certificate, for a message: "sdw1, 192.0.2.1". */
function hostsOf(certificate: X509Certificate): string {
  const names = certificate.subjectAltName?.split(", ") ?? [];
  const hosts = names.flatMap((name) => /^(?:DNS|IP Address):(.+)$/.exec(name)?.[1] ?? []);
  return hosts.join(", ") || "no host";
}

function describeError(error: Error & { code?: string; reason?: string }): string {
  const { code = "", reason, message } = error;
  if (code === "ECONNRESET") return "it closed the connection during the TLS handshake";
  if (!code.startsWith("ERR_SSL_")) return message;
  if (!code.includes("ALERT")) return "it does not speak TLS";
  if (code.includes("PROTOCOL_VERSION")) return "it speaks no version of TLS that we accept";
  if (code.includes("NO_APPLICATION_PROTOCOL")) return "it does not speak HTTP/2";
  return `it refused our certificate (${reason ?? message})`;
}
