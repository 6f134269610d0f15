import type { Receipt } from "@penstock/common";
import { Direction } from "@penstock/proto";
import type { PluginUse, RunPlan } from "../producers/producer.ts";
import type { BackupStreams, StreamWatchers } from "./backup-streams.ts";
import type { RunContext } from "./context.ts";
import { type HandedOver, PluginBackup } from "./plugin-backup.ts";
import { openPlugin } from "./plugin-prepare.ts";
import { PluginRestores } from "./plugin-restores.ts";
import type { ToolEnds } from "./prove.ts";
import type { Session } from "./session.ts";
import type { StallWatch } from "./stall-watch.ts";

/** What serves the plugin processes of a backup. */
export interface BackupServing {
  readonly context: RunContext;
  readonly session: Session;
  readonly streams: BackupStreams;
  readonly watchers: StreamWatchers;
}

/** Runs tools; the names are those of the streams that their plugin processes have so far. */
export type RunTools = (planned: RunPlan, names: ReadonlySet<string>) => Promise<ToolEnds>;

/**
 * Serves the plugin processes of a backup while its tools run, or until somebody else's has handed
 * over all. Resolves when everything is stored.
 */
export async function serveBackup(
  serving: BackupServing,
  planned: RunPlan & { readonly plugin: PluginUse },
  runTools: RunTools,
): Promise<HandedOver & { readonly ends: ToolEnds; readonly onCommitted: () => Promise<void> }> {
  const { context, session, watchers } = serving;
  const common = { context, session, use: planned.plugin, names: new Set<string>() };
  const { stalls } = watchers;
  const restores = new PluginRestores({ ...common, sources: context.targets, stalls });
  const plugin = new PluginBackup({ ...serving, ...common, restores });
  plugin.serve();
  const tools = await openPlugin(session, {
    ...planned,
    ...whomOf(context, planned.plugin),
    direction: Direction.DIRECTION_BACKUP,
  });
  const ends = await runTools({ ...planned, tools }, common.names);
  if (context.client !== undefined) {
    const { tool, host } = context.client;
    using _watched = stalls.running(tool, host, common.names);
    await plugin.lastHanded();
  }
  return { ends, ...(await plugin.settled()), onCommitted: () => plugin.committed() };
}

/** What serves the plugin processes of a restore. */
export interface RestoreServing {
  readonly context: RunContext;
  readonly session: Session;
  /** Where sets are read. */
  readonly sources: RunContext["targets"];
  readonly stalls: StallWatch;
  /** Of the set that is restored. */
  readonly receipts: readonly Receipt[];
}

/**
 * Serves the plugin processes of a restore while its tools run, or until somebody else's is gone, or
 * has wanted nothing for the plan's `stall_timeout`. What a process has left is its tool's affair.
 */
export async function serveRestore(
  { context, session, sources, stalls, receipts }: RestoreServing,
  planned: RunPlan & { readonly plugin: PluginUse },
  runTools: RunTools,
): Promise<ToolEnds> {
  const common = { context, session, use: planned.plugin, names: new Set<string>() };
  const restores = new PluginRestores({ ...common, sources, stalls });
  await restores.assertWhole(receipts);
  session.servePlugins((host, request) => void restores.serve(host, request));
  const tools = await openPlugin(session, {
    ...planned,
    ...whomOf(context, planned.plugin),
    direction: Direction.DIRECTION_RESTORE,
  });
  const ends = await runTools({ ...planned, tools }, common.names);
  if (context.client !== undefined) await restores.outlast(context.client);
  return ends;
}

function whomOf(
  { client }: RunContext,
  { nameOf }: PluginUse,
): { readonly timestamp: string | undefined; readonly last: string | undefined } {
  return { timestamp: client && nameOf(client.sign), last: client?.host };
}
