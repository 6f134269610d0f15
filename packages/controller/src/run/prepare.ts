import { assertOpenFiles, PenstockError } from "@penstock/common";
import type { PreparedStream, StreamSpec } from "@penstock/proto";
import type { Origin, PlannedStream, PlannedTool } from "../producers/producer.ts";
import type { AgentClient } from "./agent-client.ts";
import type { Session } from "./session.ts";
import { together } from "./together.ts";

/** What is to be prepared: streams with what their agents are told, and the tools of the run. */
export interface Preparation {
  readonly streams: readonly { readonly planned: PlannedStream; readonly spec: StreamSpec }[];
  readonly tools: readonly PlannedTool[];
  /** See `RunPlan.strays`. */
  readonly strays?: readonly string[];
}

/** An error of the configuration at its place, as `FILE:LINE: …`. */
export type ExplainOrigin = (origin: Origin, error: PenstockError) => PenstockError;

/** Its connection, and what it is written to or read from. */
const FILES_PER_STREAM = 3;
const RESERVED_FILES = 100;

/** Has every agent check its streams and tools. Nothing is made anywhere. */
export async function checkAll(
  session: Session,
  preparation: Preparation,
  explain: ExplainOrigin,
): Promise<void> {
  const { length } = preparation.streams;
  await assertOpenFiles({
    what: `${length} streams`,
    needed: length * FILES_PER_STREAM + RESERVED_FILES,
    hint: "raise the limit of open files (ulimit -n) where penstock is started",
  });
  await together(session.agents, (agent) => prepare(session, agent, preparation, true, explain));
}

/**
 * Has every agent check its streams and tools, then prepare them. When one agent refuses, nothing
 * has been made anywhere. Returns "host:port" of the transfer service of each stream, by name.
 */
export async function prepareAll(
  session: Session,
  preparation: Preparation,
  explain: ExplainOrigin,
): Promise<ReadonlyMap<string, string>> {
  await checkAll(session, preparation, explain);
  const prepared = await together(session.agents, async (agent) => {
    const streams = await prepare(session, agent, preparation, false, explain);
    return streams.map(({ name, port }) => [name, withPort(agent.address, port)] as const);
  });
  return new Map(prepared.flat());
}

async function prepare(
  session: Session,
  agent: AgentClient,
  { streams, tools, strays = [] }: Preparation,
  checkOnly: boolean,
  explain: ExplainOrigin,
): Promise<PreparedStream[]> {
  const own = streams.filter(({ planned }) => planned.host === agent.name);
  const ownTools = tools.filter((tool) => tool.host === agent.name);
  if (own.length + ownTools.length + strays.length === 0) return [];
  const request = {
    ref: session.ref,
    streams: own.map(({ spec }) => spec),
    checkOnly,
    tools: ownTools.map((tool) => tool.tool),
    strays: [...strays],
    plugin: undefined,
  };
  try {
    const { signal } = session;
    const held = session.held(agent.name);
    return (await held.call((each) => each.prepare(request, signal), signal)).streams;
  } catch (error) {
    const place = error instanceof PenstockError ? error.place : undefined;
    if (!(error instanceof PenstockError) || place === undefined) throw error;
    const entry = place.list === "tools" ? ownTools[place.index] : own[place.index]?.planned;
    throw entry === undefined ? error : explain([...entry.origin, place.field], error);
  }
}

/** The agent's address, with another port if it serves the stream on one of its own. */
export function withPort(address: string, port: number): string {
  return port === 0 ? address : address.replace(/:\d+$/, `:${port}`);
}
