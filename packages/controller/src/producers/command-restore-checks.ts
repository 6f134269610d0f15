import {
  type ErrorAt,
  listNames,
  type Manifest,
  PenstockError,
  type Receipt,
} from "@penstock/common";
import type { CommandConfig } from "./command-config.ts";
import type { ExpandedStream } from "./command-expansion.ts";
import type { Origin } from "./producer.ts";

/** True for a regular file that was collected after the tools had ended: it belongs to no tool. */
export function isCollected({ kind, tool }: Receipt): boolean {
  return kind === "file" && tool === null;
}

/**
 * A set and a plan that has changed since may not fit. Throws `usage` if the set has streams or
 * hosts that the plan does not name, and `not_found` if it lacks a stream that the plan requires:
 * its reader would wait for ever.
 */
export function assertSetFits(
  { set, streams }: Manifest,
  { config, expanded }: { config: CommandConfig; expanded: readonly ExpandedStream[] },
  origin: Origin,
  errorAt: ErrorAt,
): void {
  const planned = new Set(expanded.map(({ name }) => name));
  const unknown = streams.filter((receipt) => !isCollected(receipt) && !planned.has(receipt.name));
  if (unknown.length > 0) {
    const names = unknown.map(({ name, host }) => `${name} (host ${host})`);
    const message = `the plan no longer names these streams of set ${set}: ${listNames(names)}`;
    throw errorAt([...origin, "streams"], message);
  }

  const hosts = new Set(config.hosts.map(({ name }) => name));
  const strangers = streams.filter((receipt) => isCollected(receipt) && !hosts.has(receipt.host));
  if (strangers.length > 0) {
    const names = [...new Set(strangers.map(({ host }) => host))];
    const message = `the plan no longer names these hosts, of which set ${set} has files: ${listNames(names)}`;
    throw errorAt([...origin, "hosts"], message);
  }

  const stored = new Set(streams.map(({ name }) => name));
  const missing = expanded.filter(({ name, stream }) => stream.required && !stored.has(name));
  if (missing.length > 0) {
    const names = missing.map(({ name, host }) => `${name} (host ${host})`);
    throw new PenstockError(
      "not_found",
      `set ${set} has no stream ${listNames(names)}, which the plan restores`,
      {
        hint: "restore by the plan as it was when the set was made",
      },
    );
  }
}
