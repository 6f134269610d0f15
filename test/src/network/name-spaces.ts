import { readdir } from "node:fs/promises";
import { command } from "./commands.ts";

const PREFIX = "penstock-test";
/** Where `ip netns` keeps them; made with the first. */
const FOLDER = "/run/netns";
let networks = 0;

/** A beginning for the names of a network's name spaces that no other network has. */
export function uniquePrefix(): string {
  networks += 1;
  return `${PREFIX}-${process.pid}-${networks}-`;
}

/** Removes all name spaces whose names begin so. What runs in them goes on until it ends. */
export async function removeNameSpaces(prefix: string, signal: AbortSignal): Promise<void> {
  const names = (await listNames()).filter((name) => name.startsWith(prefix));
  await Promise.all(names.map((name) => command(`ip netns delete ${name}`, signal)));
}

/** Removes what was left by tests that were killed. */
export async function removeOrphans(signal: AbortSignal): Promise<void> {
  for (const name of await listNames()) {
    const [prefix, pid] = new RegExp(`^${PREFIX}-(\\d+)-`).exec(name) ?? [];
    if (prefix === undefined || isAlive(Number(pid))) continue;
    await removeNameSpaces(prefix, signal).catch(() => {}); // another test has been faster
  }
}

async function listNames(): Promise<string[]> {
  return await readdir(FOLDER).catch(() => []);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
