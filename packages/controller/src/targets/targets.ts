import { PenstockError, unknownName } from "@penstock/common";
import { openFileTarget } from "./file.ts";
import type { Target } from "./target.ts";

/** How a target is opened. Plain data: it crosses threads. */
export interface TargetConfig {
  /** Its scheme names the kind of storage. */
  readonly url: string;
  /** How long our unfinished objects wait for somebody to take them over if we die. Default: not at all. */
  readonly orphanMs?: number;
}

type OpenTarget = (config: TargetConfig, signal: AbortSignal) => Promise<Target>;

/** Every kind of storage there is. To add one, write its file and add a row. */
const TARGETS: ReadonlyMap<string, OpenTarget> = new Map([
  ["file", ({ url, orphanMs }) => openFileTarget(url, orphanMs)],
]);

/** Opens a target. Throws `usage` if the URL is wrong or of an unknown scheme. The caller disposes. */
export async function openTarget(config: TargetConfig, signal: AbortSignal): Promise<Target> {
  signal.throwIfAborted();
  const scheme = parseScheme(config.url);
  const open = TARGETS.get(scheme);
  if (open !== undefined) return open(config, signal);
  throw new PenstockError("usage", unknownName("target scheme", scheme, [...TARGETS.keys()]));
}

function parseScheme(url: string): string {
  const protocol = URL.parse(url)?.protocol;
  if (protocol !== undefined) return protocol.slice(0, -1);
  // Not shown: it may hold a password.
  throw new PenstockError("usage", "the url of a target is not a url", {
    hint: "Write it like file:///backups/penstock.",
  });
}
