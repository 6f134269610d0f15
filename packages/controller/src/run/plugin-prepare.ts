import { hasCode, PenstockError } from "@penstock/common";
import type { Direction, PrepareRequest, PrepareResponse, StreamSpec } from "@penstock/proto";
import { PLUGIN_CONFIG, type PlannedTool } from "../producers/producer.ts";
import { withPort } from "./prepare.ts";
import type { Session } from "./session.ts";
import { together } from "./together.ts";

/** Whom a run serves. */
export interface PluginOpening {
  readonly tools: readonly PlannedTool[];
  readonly direction: Direction;
  /** The only one; else that of whoever comes first. */
  readonly timestamp?: string | undefined;
  readonly last: string | undefined;
}

/**
 * Has every agent hand the plan's plugin processes to this run, and those with tools write the
 * plugin's configuration. Returns the tools with the path of it in their arguments. `last` is the host
 * where somebody waits for all of them to be there.
 */
export async function openPlugin(
  session: Session,
  { tools, direction, timestamp = "", last }: PluginOpening,
): Promise<PlannedTool[]> {
  const open = async (name: string): Promise<readonly [string, string]> => {
    const wants = tools.some(({ host, args }) => host === name && args.includes(PLUGIN_CONFIG));
    const plugin = { writeConfig: wants, direction, timestamp };
    const { pluginConfig } = await prepare(session, name, { streams: [], plugin });
    return [name, pluginConfig];
  };
  const names = session.agents.map(({ name }) => name);
  const others = names.filter((name) => name !== last);
  const paths = await together(others, open);
  const pathOn = new Map([
    ...paths,
    ...(await together(
      names.filter((name) => name === last),
      open,
    )),
  ]);
  return tools.map((tool) => ({
    ...tool,
    args: tool.args.map((arg) => (arg === PLUGIN_CONFIG ? (pathOn.get(tool.host) ?? arg) : arg)),
  }));
}

/** Has every agent stop these processes, too, if the run fails. */
export async function prepareStray(session: Session, stray: string): Promise<void> {
  const prepared = { streams: [], plugin: undefined, strays: [stray] };
  await together(session.agents, async ({ name }) => await prepare(session, name, prepared));
}

/**
 * Prepares the stream of a plugin process that waits for it. Returns where it is served. Throws
 * `failed` if the process has gone meanwhile.
 */
export async function preparePluginStream(
  session: Session,
  host: string,
  spec: StreamSpec,
): Promise<string> {
  try {
    const { streams } = await prepare(session, host, { streams: [spec], plugin: undefined });
    return withPort(session.held(host).agent.address, streams[0]?.port ?? 0);
  } catch (error) {
    throw hasCode(error, "not_found") ? hasGone(spec, host, error) : error;
  }
}

function hasGone({ name }: StreamSpec, host: string, cause: Error): PenstockError {
  const message = `stream ${name} of ${host}: its plugin process has gone before it was served`;
  return new PenstockError("failed", message, { cause });
}

type PluginPreparation = Pick<PrepareRequest, "streams" | "plugin"> &
  Partial<Pick<PrepareRequest, "strays">>;

async function prepare(
  session: Session,
  host: string,
  preparation: PluginPreparation,
): Promise<PrepareResponse> {
  const { ref, signal } = session;
  const request = { ref, checkOnly: false, tools: [], strays: [], ...preparation };
  return await session.held(host).call((agent) => agent.prepare(request, signal), signal);
}
