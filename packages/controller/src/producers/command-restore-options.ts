import { PenstockError } from "@penstock/common";
import type { CommandConfig, CommandHost } from "./command-config.ts";
import type { RestoreOptions, RunPlan } from "./producer.ts";

type Hosts = RestoreOptions["hosts"];

/** Throws `usage` for what a tool that nothing is known of cannot be asked for. */
export function assertWholeSet({ contentIds, metadataOnly, tables, extra }: RestoreOptions): void {
  const asked = [
    ...(contentIds === undefined ? [] : ["--content-ids"]),
    ...(metadataOnly ? ["--metadata-only"] : []),
    ...(tables.length === 0 ? [] : ["--table"]),
  ];
  if (asked.length > 0) {
    const message = `${asked.join(", ")}: a plan of producer command restores whole sets only`;
    throw new PenstockError("usage", message);
  }
  if (extra.length > 0) {
    const message = `${extra.join(" ")}: a plan of producer command has no further options`;
    const hint = "what its tool is told stands in the plan, as restore: args:";
    throw new PenstockError("usage", message, { hint });
  }
}

/**
 * The configuration as the set knows it: a host that stands in for another one, which is no longer
 * named, has that one's name in the templates.
 */
export function asBackedUp(config: CommandConfig, mapped: Hosts): CommandConfig {
  const named = new Set(config.hosts.map(({ name }) => name));
  const gone = Object.entries(mapped).filter(([from, to]) => !named.has(from) && named.has(to));
  const nameThen = new Map(gone.map(([from, to]) => [to, from]));
  const toThen = (host: CommandHost): CommandHost => ({
    ...host,
    name: nameThen.get(host.name) ?? host.name,
  });
  return { ...config, hosts: config.hosts.map(toThen) };
}

/** The same plan, done by the agents that stand in for others. */
export function onMappedHosts({ streams, tools, files, ...plan }: RunPlan, mapped: Hosts): RunPlan {
  const moved = <Item extends { readonly host: string }>(item: Item): Item => ({
    ...item,
    host: mapped[item.host] ?? item.host,
  });
  return { ...plan, streams: streams.map(moved), tools: tools.map(moved), files: files.map(moved) };
}
