import { readFile } from "node:fs/promises";

const ESTABLISHED = "01";

/** Open TCP connections that a process's network has with an address, each as its two ends: proc_net_tcp(5). */
export async function openConnections(pid: number, address: string): Promise<string[]> {
  const [, ...lines] = (await readFile(`/proc/${pid}/net/tcp`, "utf8")).trim().split("\n");
  const connections = lines.map((line) => line.trim().split(/\s+/));
  return connections.flatMap(([, local = "", remote = "", state]) =>
    state === ESTABLISHED && remote.startsWith(`${inHex(address)}:`) ? [`${local} ${remote}`] : [],
  );
}

/** As the kernel writes it on the processors that Node runs on: the last byte first. */
function inHex(address: string): string {
  const bytes = address.split(".").map(Number).reverse();
  return Buffer.from(bytes).toString("hex").toUpperCase();
}
