import { readFileSync } from "node:fs";

/** A TCP state of /proc/net/tcp. */
type TcpState = "listening" | "established";

const STATE_CODES: Readonly<Record<TcpState, string>> = { established: "01", listening: "0A" };

/** True if a socket of this local port is in that state; connecting to find out would use it up. */
export function hasSocket(port: number, state: TcpState): boolean {
  const end = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .some(([, local, , code]) => local?.endsWith(end) === true && code === STATE_CODES[state]);
}
