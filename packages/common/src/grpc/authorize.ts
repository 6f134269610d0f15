import { X509Certificate } from "node:crypto";
import type { PeerCertificate } from "node:tls";
import { PenstockError } from "../errors.ts";
import { type Expected, findIdentity, findMismatch, type Identity } from "./identity.ts";

/** What `authorize` looks at in a call that was made to us; every server call of grpc-js has it. */
export interface AuthenticatedCall {
  getAuthContext(): { readonly sslPeerCertificate?: PeerCertificate };
}

/**
 * Who makes this call, if it may. Its certificate has been checked when it connected; here it is
 * only read. Throws `refused`, naming what it is and what is needed.
 */
export function authorize(call: AuthenticatedCall, expected: Expected): Identity {
  const { sslPeerCertificate } = call.getAuthContext();
  const certificate = sslPeerCertificate && new X509Certificate(sslPeerCertificate.raw);
  const identity = certificate && findIdentity(certificate);
  if (identity === undefined) {
    throw new PenstockError("refused", "the caller's certificate names no Penstock role");
  }
  const mismatch = findMismatch(identity, expected);
  if (mismatch === undefined) return identity;
  const { found, needed } = mismatch;
  throw new PenstockError(
    "refused",
    `certificate of ${identity.name} has ${found}; ${needed} is needed`,
  );
}
