import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type CertificatePair, createAuthority, signCertificate } from "@penstock/common";

/** Where a cluster's certificates are and whom they are for. */
export interface CertificatesOptions {
  /** Made if it is missing. */
  readonly dir: string;
  readonly cluster: string;
  readonly agents: readonly string[];
  /** The IP address of an agent; default: loopback. */
  readonly addressOf?: (agent: string) => string;
}

/**
 * Makes a certificate authority and a certificate for each agent and for the controller, as
 * `penstock pki` does, but without a process for each: tests make many clusters.
 */
export async function createCertificates(options: CertificatesOptions): Promise<void> {
  const { dir, cluster, agents, addressOf = () => "127.0.0.1" } = options;
  await mkdir(dir, { recursive: true });
  const authority = await createAuthority(cluster);
  await writePair(dir, "ca", authority);
  const controller = { role: "controller", name: "controller", addresses: [] } as const;
  await writePair(dir, "controller", await signCertificate(authority, controller));
  for (const name of agents) {
    const request = { role: "agent", name, addresses: [addressOf(name)] } as const;
    await writePair(dir, name, await signCertificate(authority, request));
  }
}

async function writePair(dir: string, name: string, { cert, key }: CertificatePair): Promise<void> {
  await writeFile(join(dir, `${name}.pem`), cert);
  await writeFile(join(dir, `${name}.key`), key, { mode: 0o600 });
}
