import type { CertificateRequest } from "../pki/certificate-request.ts";
import {
  type CertificatePair,
  createAuthority,
  signCertificate,
  type Validity,
} from "../pki/certificates.ts";
import type { Role } from "./identity.ts";
import type { TlsMaterial } from "./tls-material.ts";

/** An authority and what it issues, in memory: real certificates for tests. */
export interface TestPki {
  readonly authority: CertificatePair;
  /** Agents get `localhost` and `127.0.0.1` unless the request says otherwise. */
  issue(
    role: Role,
    request?: Partial<CertificateRequest>,
    validity?: Validity,
  ): Promise<TlsMaterial>;
}

/** Makes an authority for tests; two of the same cluster are strangers to each other. */
export async function createTestPki(
  cluster: string = "warehouse",
  validity: Validity = {},
): Promise<TestPki> {
  const authority = await createAuthority(cluster, validity);
  const ca = Buffer.from(authority.cert);
  return {
    authority,
    async issue(role, request = {}, dates = {}) {
      const addresses = role === "controller" ? [] : ["localhost", "127.0.0.1"];
      const full = { role, name: `${role}1`, addresses, ...request };
      const { cert, key } = await signCertificate(authority, full, dates);
      const identity = { cluster, role: full.role, name: full.name };
      return { ca, cert: Buffer.from(cert), key: Buffer.from(key), identity };
    },
  };
}
