import { type Manifest, PenstockError } from "@penstock/common";
import {
  AS_PLANNED,
  type HostFile,
  type Origin,
  PLUGIN_CONFIG,
  type PlannedStream,
  type PlannedTool,
  type PluginUse,
  type Producer,
  type RestoreOptions,
  type RunPlan,
} from "../producer.ts";
import { parseBackupConfig } from "./backup-config.ts";
import { environmentOf } from "./environment.ts";
import type { GpbackupConfig } from "./gpbackup-config.ts";
import { judgeHanded } from "./judge.ts";
import { configName, parseKey, timestampOf } from "./plugin-key.ts";
import { refusedOptions } from "./refused-options.ts";

/** gpbackup's "done, with warnings": the set may be good, its proof says. */
const WITH_WARNINGS = 1;

/**
 * Plans runs of gpbackup and gprestore: one tool on the coordinator. All streams are the plugin's.
 * `origin` is where `config` stands.
 */
export function createGpbackupProducer(config: GpbackupConfig, origin: Origin): Producer {
  return {
    planBackup: () => planBackup(config, origin),
    planRestore: (manifest, _answers, options = AS_PLANNED) =>
      planRestore(config, origin, manifest, options),
  };
}

function planBackup(config: GpbackupConfig, origin: Origin): RunPlan {
  const { database, options } = config;
  const args = ["--dbname", database, "--plugin-config", PLUGIN_CONFIG, ...options];
  const tool = planTool(config, "gpbackup", args, origin);
  return {
    streams: [],
    tools: [{ ...tool, doubtfulStatuses: [WITH_WARNINGS] }],
    files: [],
    plugin: pluginUse(origin),
    proof: {
      files: [],
      judge(evidence, found) {
        judgeHanded(evidence, found);
        return [];
      },
    },
  };
}

/** A gprestore that exits with 1 has tables that are not complete: it has failed. */
function planRestore(
  config: GpbackupConfig,
  origin: Origin,
  manifest: Manifest,
  options: RestoreOptions,
): RunPlan {
  const timestamp = timestampOf(manifest.streams);
  if (timestamp === undefined) {
    throw new PenstockError("failed", `set ${manifest.set} is none of gpbackup's`);
  }
  const said = ["--timestamp", timestamp, "--plugin-config", PLUGIN_CONFIG];
  const args = [...said, ...config.restore, ...argumentsOf(options)];
  const coordinator = options.hosts[config.coordinator] ?? config.coordinator;
  const tool = planTool({ ...config, coordinator }, "gprestore", args, origin);
  return { streams: [], tools: [tool], files: [], plugin: pluginUse(origin) };
}

function planTool(
  config: GpbackupConfig,
  tool: "gpbackup" | "gprestore",
  args: readonly string[],
  origin: Origin,
): PlannedTool {
  const { coordinator: host } = config;
  return { id: tool, host, tool, args, env: environmentOf(config), streams: [], origin };
}

function argumentsOf({ contentIds, metadataOnly, tables, extra }: RestoreOptions): string[] {
  if (contentIds !== undefined) {
    throw new PenstockError("usage", "gprestore cannot restore single segments", {
      hint: "it can restore single tables: --table schema.table",
    });
  }
  const [refused] = refusedOptions("gprestore", extra);
  if (refused !== undefined) throw new PenstockError("usage", refused.message);
  return [
    ...(metadataOnly ? ["--metadata-only"] : []),
    ...tables.flatMap((table) => ["--include-table", table]),
    ...extra,
  ];
}

function pluginUse(origin: Origin): PluginUse {
  return {
    parse: parseKey,
    toStream: (handed) => toStream(handed, origin),
    needs: (text) =>
      parseBackupConfig(text).restoreplan.map(({ timestamp }) => configName(timestamp)),
  };
}

function toStream({ host, path }: HostFile, origin: Origin): PlannedStream {
  const { stream: name, contentId } = parseKey(path);
  return {
    ...{ name, host, kind: "plugin", path, required: true, origin },
    ...(contentId === undefined ? {} : { contentId }),
    ...(/\.(gz|zst)$/.test(name) ? { codec: "none" } : {}),
    // The status of a pipeline is that of its end: a compressor that was killed shows only here.
    ...(name.endsWith(".gz") ? { format: "gzip" } : {}),
  };
}
