import type { Manifest } from "@penstock/common";
import type { Evidence, FileLists, ListedBackup, Origin, Producer, RunPlan } from "../producer.ts";
import { AS_PLANNED, NO_EVIDENCE } from "../producer.ts";
import { createAgentNames, usedAgents } from "./agent-names.ts";
import { catalogueTool, readCatalogue } from "./catalogue.ts";
import type { GpcrondumpConfig } from "./config.ts";
import { planDump, regularFilesOf } from "./dump-plan.ts";
import { dumpTool, inquireDump, readListing } from "./dump-tool.ts";
import { keyOf, LAST_KINDS, readLists } from "./file-lists.ts";
import type { ProducerBasis } from "./producer-basis.ts";
import { planRestore } from "./restore-plan.ts";

/**
 * Plans dumps by gpcrondump and restores by gpdbrestore, both through named pipes. `origin` is where
 * `config` stands, `agents` are the names of those in the configuration.
 */
export function createGpcrondumpProducer(
  config: GpcrondumpConfig,
  origin: Origin,
  agents: readonly string[],
): Producer {
  return {
    inquireBackup: (set) => inquireDump(config, set, origin),
    planBackup: (set, answers = NO_EVIDENCE) =>
      planBackup({ config, origin, agents }, set, answers),
    planFromLists: (lists) => planFromLists({ config, origin, agents }, lists),
    inquireRestore: (_manifest: Manifest, { hosts } = AS_PLANNED) => {
      const { coordinator } = createAgentNames(config, agents, hosts);
      return { tools: [catalogueTool(config, coordinator, origin)], files: [] };
    },
    planRestore: (manifest, answers = NO_EVIDENCE, options = AS_PLANNED) =>
      planRestore({ config, origin, agents }, manifest, answers, options),
  };
}

/** The agents that a plan of this configuration uses, and where it names them. */
export function gpcrondumpAgents(
  config: GpcrondumpConfig,
  known: readonly string[],
): { name: string; path: readonly string[] }[] {
  const { coordinator, hosts = {} } = config;
  return usedAgents(config, known).map((name) => {
    if (name === coordinator) return { name, path: ["coordinator"] };
    const host = Object.keys(hosts).find((other) => hosts[other] === name);
    return { name, path: host === undefined ? [] : ["hosts", host] };
  });
}

function planBackup(
  { config, origin, agents }: ProducerBasis,
  set: string,
  answers: Evidence,
): RunPlan {
  const names = createAgentNames(config, agents);
  const cluster = readCatalogue(answers, names.coordinator);
  const texts = readListing(config, set, answers);
  const lists = readLists(texts, namingOf(config, set));
  const { database } = config;
  const basis = { lists, agents: names, database, origin, cluster, mayExist: false };
  return planDump(basis, (streams) => dumpTool(config, set, streams, origin));
}

function planFromLists({ config, origin, agents }: ProducerBasis, texts: FileLists): ListedBackup {
  const set = keyOf(texts);
  const lists = readLists(texts, namingOf(config, set));
  const { database } = config;
  const names = createAgentNames(config, agents);
  const basis = { lists, agents: names, database, origin, mayExist: true };
  const awaited = regularFilesOf(basis)
    .filter(({ kind }) => LAST_KINDS.has(kind))
    .map(({ agent, path }) => ({ host: agent, path }));
  return { set, plan: planDump(basis, undefined), awaited };
}

function namingOf({ prefix }: GpcrondumpConfig, key: string): { key: string; prefix: string } {
  return { key, prefix: prefix === undefined ? "" : `${prefix}_` };
}
