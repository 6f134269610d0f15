import { type FormatName, type Manifest, PenstockError } from "@penstock/common";
import { environmentOf } from "../greenplum-environment.ts";
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
import type { GpbackupConfig } from "./gpbackup-config.ts";
import { judgeHanded } from "./judge.ts";
import { configName, parseKey, timestampIn, timestampOf } from "./plugin-key.ts";
import { refusedOptions } from "./refused-options.ts";

/** gpbackup's "done, with warnings": the set may be good, its proof says. */
const WITH_WARNINGS = 1;
/** As long as it gives itself to end its helpers and sessions on all hosts. */
const STOP_GRACE_MS = 60_000;

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
      judge: judgeHanded,
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
  const env = environmentOf(config);
  return { id: tool, host, tool, args, env, streams: [], stopGraceMs: STOP_GRACE_MS, origin };
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
    // gpbackup_helper is told of its pipes so, and outlives a gpbackup that is killed.
    strayOf: (sign) => `_${timestampIn(sign)}_pipe_`,
    nameOf: timestampIn,
  };
}

function toStream({ host, path }: HostFile, origin: Origin): PlannedStream {
  const { stream: name, contentId, tableOid } = parseKey(path);
  const format = formatOf(name, tableOid);
  return {
    ...{ name, host, kind: "plugin", path, required: true, origin },
    ...(contentId === undefined ? {} : { contentId }),
    ...(/\.(gz|zst)$/.test(name) ? { codec: "none" } : {}),
    ...(format === undefined ? {} : { format }),
  };
}

/**
 * The status of a pipeline is that of its end: a compressor that was killed shows only in its bytes. Of
 * a segment whose tables are all empty gpbackup_helper, which compresses a segment's single file
 * itself, makes no bytes at all with zstd.
 */
function formatOf(name: string, tableOid: string | undefined): FormatName | undefined {
  if (name.endsWith(".gz")) return "gzip";
  if (!name.endsWith(".zst")) return undefined;
  return tableOid === undefined ? "zstd or nothing" : "zstd";
}
