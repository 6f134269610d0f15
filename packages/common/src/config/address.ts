import { isIPv6 } from "node:net";
import { PenstockError } from "../errors.ts";
import { quote } from "./wording.ts";

/** Where a server listens. `host` has no brackets, also for IPv6. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, `192.0.2.1:port` or `[2001:db8::1]:port`, to dial. Throws `usage`. */
export function parseAddress(text: string): Address {
  return toAddress(text, 1) ?? refuse(text, "port 1 to 65535");
}

/** As `parseAddress`, to listen on: port 0 takes any free one. */
export function parseListenAddress(text: string): Address {
  return toAddress(text, 0) ?? refuse(text, "port 0 to 65535");
}

/** The text that `parseAddress` reads as this address, and that gRPC dials. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function toAddress(text: string, minPort: number): Address | undefined {
  const match = /^(?:\[(.+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port < minPort || port > 65_535) return undefined;
  return match?.[1] !== undefined && !isIPv6(host) ? undefined : { host, port };
}

function refuse(text: string, ports: string): never {
  const allowed = `host:port, ${ports}, e.g. sdw1:7411 or "[2001:db8::1]:7411"`;
  throw new PenstockError("usage", `bad address ${quote(text)}; allowed: ${allowed}`);
}
