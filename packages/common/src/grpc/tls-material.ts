import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileReason } from "../config/read-text.ts";
import type { TlsFiles } from "../config/tls-files.ts";
import { PenstockError } from "../errors.ts";
import { formatTime } from "./certificate-words.ts";
import { type Expected, findIdentity, findMismatch, type Identity } from "./identity.ts";

/** What a process needs to prove who it is; may be handed to a worker thread. */
export interface TlsMaterial {
  /** The authority's certificate, PEM. */
  readonly ca: Uint8Array;
  /** Our certificate, PEM. */
  readonly cert: Uint8Array;
  /** Our private key, PEM. Never log it. */
  readonly key: Uint8Array;
  readonly identity: Identity;
}

/**
 * Reads our certificate, its key and the authority's certificate, once, and checks all that can be
 * checked before any connection is made: a handshake would only tell the other side what is wrong.
 * Throws `usage`, naming the file and what is wrong with it.
 */
export function readCredentials(files: TlsFiles, expected: Expected): TlsMaterial {
  const ca = readPem(files.ca);
  const cert = readPem(files.cert);
  const key = readPem(files.key);
  const certificate = parseCertificate(files.cert, cert);
  const authority = parseCertificate(files.ca, ca);
  assertAuthority(files.ca, authority);
  assertKey(files, certificate, parseKey(files.key, key));
  assertIssuer(files, certificate, authority);
  assertInTime(files.ca, authority, RENEW_AUTHORITY);
  assertInTime(files.cert, certificate, RENEW);
  const identity = identify(files.cert, certificate, expected);
  return { ca: Buffer.from(ca), cert: Buffer.from(cert), key: Buffer.from(key), identity };
}

const RENEW = "issue a new one with `penstock pki issue`";
const RENEW_AUTHORITY =
  "make a new authority with `penstock pki init` and issue all certificates anew";

function readPem(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (thrown) {
    throw unreadable(file, thrown);
  }
}

function unreadable(file: string, cause: unknown): PenstockError {
  return new PenstockError("usage", `${file} cannot be read: ${fileReason(cause)}`, { cause });
}

function parseCertificate(file: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (thrown) {
    throw notPem(file, "certificate", thrown);
  }
}

/** The error says nothing of the file's content. */
function parseKey(file: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (thrown) {
    throw notPem(file, "private key without a passphrase", thrown);
  }
}

function notPem(file: string, what: string, cause: unknown): PenstockError {
  return new PenstockError("usage", `${file} is not a ${what} in PEM form`, { cause });
}

function assertAuthority(file: string, authority: X509Certificate): void {
  if (authority.ca) return;
  throw new PenstockError("usage", `${file} is not the certificate of an authority`, {
    hint: "give the ca.pem that `penstock pki init` wrote",
  });
}

function assertKey(files: TlsFiles, certificate: X509Certificate, key: KeyObject): void {
  if (certificate.checkPrivateKey(key)) return;
  throw new PenstockError("usage", `${files.key} is not the key of ${files.cert}`, {
    hint: "give the two files that one `penstock pki issue` wrote",
  });
}

function assertIssuer(
  files: TlsFiles,
  certificate: X509Certificate,
  authority: X509Certificate,
): void {
  if (certificate.checkIssued(authority) && certificate.verify(authority.publicKey)) return;
  throw new PenstockError("usage", `${files.cert} was issued by another CA than ${files.ca}`, {
    hint: "every host of a cluster needs the same ca.pem",
  });
}

function assertInTime(
  file: string,
  { validFromDate, validToDate }: X509Certificate,
  hint: string,
): void {
  const now = Date.now();
  if (validToDate.getTime() <= now) {
    throw new PenstockError("usage", `${file} has expired on ${formatTime(validToDate)}`, { hint });
  }
  if (validFromDate.getTime() > now) {
    const message = `${file} is not valid before ${formatTime(validFromDate)}`;
    throw new PenstockError("usage", message, { hint: "check this host's clock" });
  }
}

function identify(file: string, certificate: X509Certificate, expected: Expected): Identity {
  const identity = findIdentity(certificate);
  if (identity === undefined) {
    throw new PenstockError("usage", `${file} names no Penstock role`, { hint: RENEW });
  }
  const mismatch = findMismatch(identity, expected);
  if (mismatch === undefined) return identity;
  const message = `${file} is a certificate for ${mismatch.found}, ${mismatch.needed} is needed`;
  throw new PenstockError("usage", message, { hint: RENEW });
}
