import { CLUSTER_NAME } from "../harness/cluster.ts";
import { HOST_NAMES } from "./databases.ts";
import type { Narrator } from "./narrator.ts";

/** Makes the authority and the certificates of agents and controller in `dir`, by `penstock pki`. */
export async function issueCertificates(
  narrator: Narrator,
  dir: string,
  signal: AbortSignal,
): Promise<void> {
  const penstock = async (...args: string[]): Promise<void> => {
    await narrator.penstock([...args, "--dir", dir], { isQuiet: true }, signal);
  };
  await penstock("pki", "init", "--cluster", CLUSTER_NAME);
  await penstock("pki", "issue", "--role", "controller", "--name", "controller");
  for (const name of HOST_NAMES) {
    await penstock("pki", "issue", "--role", "agent", "--name", name, "--address", "127.0.0.1");
  }
}
