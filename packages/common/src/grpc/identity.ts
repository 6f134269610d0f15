import { X509Certificate } from "node:crypto";
import { PenstockError } from "../errors.ts";

/** What the holder of a certificate may be. */
export type Role = "agent" | "controller" | "mover";

/** All roles, for messages and for the command line's choices. */
export const ROLES: readonly Role[] = ["agent", "controller", "mover"];

/** Who the holder of a certificate is: the URI `penstock://<cluster>/<role>/<name>` in it. */
export interface Identity {
  readonly cluster: string;
  readonly role: Role;
  readonly name: string;
}

/** The inverse of `parseIdentity`: the URI that goes into the certificate. */
export function toIdentityUri({ cluster, role, name }: Identity): string {
  return `penstock://${cluster}/${role}/${name}`;
}

/** The URI of a cluster's certificate authority. It is no identity: nobody connects with it. */
export function toAuthorityUri(cluster: string): string {
  return `penstock://${cluster}/`;
}

/**
 * Who a certificate is for. Says nothing about whether it may be trusted.
 * Throws `usage` if it is not a certificate or not one of Penstock's.
 */
export function parseIdentity(certificate: X509Certificate | string | Uint8Array): Identity {
  const identity = findIdentity(toX509(certificate));
  if (identity !== undefined) return identity;
  throw new PenstockError("usage", "the certificate names no Penstock role", {
    hint: "issue one with `penstock pki issue`",
  });
}

/** As `parseIdentity`, but `undefined` if the certificate is not one of Penstock's. */
export function findIdentity(certificate: X509Certificate): Identity | undefined {
  const pattern = /^penstock:\/\/([\w.-]+)\/(agent|controller|mover)\/([\w.-]+)$/;
  const [, cluster, role, name] = pattern.exec(penstockUri(certificate)) ?? [];
  if (cluster === undefined || name === undefined) return undefined;
  return { cluster, role: role as Role, name };
}

/** Who may be at an end of a connection. */
export interface Expected {
  readonly roles: readonly Role[];
  /** Any cluster if it is not said. */
  readonly cluster?: string;
}

/** What an identity has and what it should have: "role agent", "controller or mover". */
export interface Mismatch {
  readonly found: string;
  readonly needed: string;
}

/** How an identity differs from what is expected; `undefined` if it does not. */
export function findMismatch(identity: Identity, expected: Expected): Mismatch | undefined {
  const { cluster, roles } = expected;
  if (cluster !== undefined && identity.cluster !== cluster) {
    return { found: `cluster ${identity.cluster}`, needed: cluster };
  }
  if (roles.includes(identity.role)) return undefined;
  return { found: `role ${identity.role}`, needed: roles.join(" or ") };
}

/** The cluster of an authority's certificate; `undefined` if it is not one of Penstock's. */
export function parseAuthority(certificate: X509Certificate): string | undefined {
  return /^penstock:\/\/([\w.-]+)\/$/.exec(penstockUri(certificate))?.[1];
}

/** Its one Penstock URI, "" if there is none or more than one. */
function penstockUri(certificate: X509Certificate): string {
  // Node quotes names that could be mistaken for the separator, so the split cannot be fooled.
  const names = certificate.subjectAltName?.split(", ") ?? [];
  const uris = names.filter((name) => name.startsWith("URI:penstock://"));
  return uris.length === 1 ? (uris[0] ?? "").slice("URI:".length) : "";
}

function toX509(certificate: X509Certificate | string | Uint8Array): X509Certificate {
  if (certificate instanceof X509Certificate) return certificate;
  try {
    return new X509Certificate(certificate);
  } catch (thrown) {
    throw notACertificate(thrown);
  }
}

function notACertificate(cause: unknown): PenstockError {
  return new PenstockError("usage", "not a certificate in PEM form", { cause });
}
