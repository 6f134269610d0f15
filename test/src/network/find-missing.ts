import { access } from "node:fs/promises";
import { TempDir } from "../harness/temp-dir.ts";
import { command } from "./commands.ts";
import { compileDelay } from "./delay-line.ts";
import { removeNameSpaces, uniquePrefix } from "./name-spaces.ts";

/** Each shows that what it needs is there, and leaves nothing. */
const PROBES: readonly (readonly [string, string])[] = [
  ["ip -V", "iproute2"],
  ["tc -V", "iproute2"],
  ["nft -v", "nftables"],
];

/**
 * What keeps a `Network` from being made here, in one line with the Debian package that has it;
 * undefined if nothing does.
 */
export async function findMissing(signal: AbortSignal): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return "only root may make network name spaces";
  for (const [line, debianPackage] of PROBES) {
    const works = await command(line, signal).catch(() => undefined);
    if (works === undefined) return `${line.split(" ")[0]} is missing (package ${debianPackage})`;
  }
  return (await findMissingForDelay(signal)) ?? (await findMissingRight(signal));
}

async function findMissingForDelay(signal: AbortSignal): Promise<string | undefined> {
  await using folder = await TempDir.create();
  const works = await compileDelay(folder.path, signal).catch(() => undefined);
  if (works === undefined) return "gcc cannot build a program (packages gcc and libc6-dev)";
  return await access("/dev/net/tun").then(
    () => undefined,
    () => "there is no /dev/net/tun",
  );
}

/** A container's root may lack it. */
async function findMissingRight(signal: AbortSignal): Promise<string | undefined> {
  const prefix = uniquePrefix();
  try {
    await command(`ip netns add ${prefix}probe`, signal);
    await removeNameSpaces(prefix, signal);
    return undefined;
  } catch {
    return "network name spaces may not be made here";
  }
}
