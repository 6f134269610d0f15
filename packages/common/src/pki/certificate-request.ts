import { isIP } from "node:net";
import { nameProblem } from "../config/text-checks.ts";
import { quote } from "../config/wording.ts";
import { PenstockError } from "../errors.ts";
import type { Role } from "../grpc/identity.ts";

/** What a certificate is asked for. */
export interface CertificateRequest {
  readonly role: Role;
  readonly name: string;
  /** Host names and IP addresses, beside `name`, by which others connect to the holder. */
  readonly addresses: readonly string[];
}

/** Throws `usage` if a name or an address cannot stand in a certificate. */
export function assertRequest(request: CertificateRequest): void {
  assertName("name", request.name);
  assertAddresses(request);
}

/** Throws `usage` if something may not have this name. */
export function assertName(what: string, value: string): void {
  const problem = nameProblem(value);
  if (problem !== undefined) throw new PenstockError("usage", `${what}: ${problem}`);
}

function assertAddresses({ addresses }: CertificateRequest): void {
  const wrong = addresses.find((address) => !isHost(address));
  if (wrong === undefined) return;
  throw new PenstockError("usage", `bad address ${quote(wrong)}`, {
    hint: "give a host name or an IP address, without a port",
  });
}

function isHost(address: string): boolean {
  return isIP(address) !== 0 || nameProblem(address) === undefined;
}
