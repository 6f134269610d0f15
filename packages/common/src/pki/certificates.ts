import { createPrivateKey, randomBytes, webcrypto, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { Extension, JsonGeneralName } from "@peculiar/x509";
import { PenstockError } from "../errors.ts";
import { formatTime } from "../grpc/certificate-words.ts";
import {
  type Identity,
  parseAuthority,
  type Role,
  toAuthorityUri,
  toIdentityUri,
} from "../grpc/identity.ts";
import { assertName, assertRequest, type CertificateRequest } from "./certificate-request.ts";

/** A certificate and its private key (PKCS #8), both in PEM form. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

/** When a certificate is good: from five minutes before `from` (now, if not said) for `days` days. */
export interface Validity {
  readonly from?: Date;
  readonly days?: number;
}

type X509 = typeof import("@peculiar/x509");

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const AUTHORITY_DAYS = 3650;
const CERTIFICATE_DAYS = 730;
/** A hundred years. */
const LONGEST_DAYS = 36_525;
const CLOCK_SKEW_MS = 300_000;
const DAY_MS = 86_400_000;

/** Makes a cluster's own certificate authority: ECDSA P-256, ten years unless said otherwise. */
export async function createAuthority(
  cluster: string,
  validity: Validity = {},
): Promise<CertificatePair> {
  assertName("cluster", cluster);
  const x509 = await loadX509();
  const keys = await generateKeys();
  const flags = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=Penstock authority,O=${short(cluster)}`,
    keys,
    serialNumber: randomSerial(),
    ...toDates({ days: AUTHORITY_DAYS, ...validity }),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(flags, true),
      new x509.SubjectAlternativeNameExtension([{ type: "url", value: toAuthorityUri(cluster) }]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return toPair(certificate.toString("pem"), keys.privateKey);
}

/**
 * Makes a key and a certificate for one agent, controller or mover, signed by `authority`: ECDSA
 * P-256, two years unless said otherwise, never longer than the authority's own.
 * Throws `usage` if a name or an address cannot stand in a certificate or the authority has expired.
 */
export async function signCertificate(
  authority: CertificatePair,
  request: CertificateRequest,
  validity: Validity = {},
): Promise<CertificatePair> {
  const issuer = new X509Certificate(authority.cert);
  const identity = { cluster: clusterOf(issuer), role: request.role, name: request.name };
  assertRequest(request);
  const dates = within(issuer, toDates({ days: CERTIFICATE_DAYS, ...validity }));
  const x509 = await loadX509();
  const keys = await generateKeys();
  const parent = new x509.X509Certificate(issuer.raw);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${short(request.name)},OU=${request.role},O=${short(identity.cluster)}`,
    issuer: parent.subject,
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.key),
    serialNumber: randomSerial(),
    ...dates,
    signingAlgorithm: ALGORITHM,
    extensions: [
      ...usages(x509, request.role),
      new x509.SubjectAlternativeNameExtension(alternativeNames(identity, request.addresses)),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(parent),
    ],
  });
  return toPair(certificate.toString("pem"), keys.privateKey);
}

/** Subjects are for people to read, and X.520 allows them 64 characters. What counts is the URI. */
function short(name: string): string {
  return name.slice(0, 64);
}

/** Agents serve, and so do movers (as receivers); everybody may be a client. */
function isServer(role: Role): boolean {
  return role !== "controller";
}

function usages(x509: X509, role: Role): Extension[] {
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension(isServer(role) ? [serverAuth, clientAuth] : [clientAuth]),
  ];
}

function alternativeNames(identity: Identity, addresses: readonly string[]): JsonGeneralName[] {
  const hosts = new Set(isServer(identity.role) ? [identity.name, ...addresses] : addresses);
  const names: JsonGeneralName[] = [{ type: "url", value: toIdentityUri(identity) }];
  for (const host of hosts) names.push({ type: isIP(host) === 0 ? "dns" : "ip", value: host });
  return names;
}

function clusterOf(issuer: X509Certificate): string {
  const cluster = parseAuthority(issuer);
  if (cluster !== undefined) return cluster;
  throw new PenstockError("usage", "the authority's certificate was not made by Penstock", {
    hint: "make one with `penstock pki init`",
  });
}

function toDates({ from = new Date(), days = 0 }: Validity): { notBefore: Date; notAfter: Date } {
  if (!Number.isInteger(days) || days < 1 || days > LONGEST_DAYS) {
    throw new PenstockError("usage", `a certificate cannot be good for ${days} days`);
  }
  return {
    notBefore: new Date(from.getTime() - CLOCK_SKEW_MS),
    notAfter: new Date(from.getTime() + days * DAY_MS),
  };
}

function within(
  issuer: X509Certificate,
  { notBefore, notAfter }: { notBefore: Date; notAfter: Date },
): { notBefore: Date; notAfter: Date } {
  const end = issuer.validToDate;
  if (end > notBefore) return { notBefore, notAfter: end < notAfter ? end : notAfter };
  throw new PenstockError("usage", `the authority's certificate has expired on ${formatTime(end)}`);
}

/** 16 random bytes; the top bit stays clear, for a serial number is positive. */
function randomSerial(): string {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial.toString("hex");
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const pkcs8 = createPrivateKey(pem).export({ type: "pkcs8", format: "der" });
  return webcrypto.subtle.importKey("pkcs8", pkcs8, ALGORITHM, false, ["sign"]);
}

async function toPair(cert: string, privateKey: webcrypto.CryptoKey): Promise<CertificatePair> {
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", privateKey));
  const key = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  return { cert: `${cert}\n`, key: key.export({ type: "pkcs8", format: "pem" }).toString() };
}

/** Loaded when needed: it takes 100 ms, and almost no process makes certificates. */
async function loadX509(): Promise<X509> {
  await import("reflect-metadata"); // its dependency injection needs this polyfill, and needs it first
  return import("@peculiar/x509");
}
