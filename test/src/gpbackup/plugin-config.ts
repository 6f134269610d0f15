import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { parse, stringify } from "yaml";
import { type ClusterState, hostOf } from "./state.ts";

/** A plugin configuration as gpbackup reads it. */
export interface PluginConfig {
  /** With the environment's variables in place of their names. */
  readonly executable: string;
  /** Whether it knows `restore_data_subset`. */
  readonly canRestoreSubset: boolean;
}

/** Reads a plugin configuration. Throws if it has anything but `executablepath` and scalar `options`. */
export async function readPluginConfig(path: string): Promise<PluginConfig> {
  const config: unknown = parse(await readFile(path, "utf8"), { schema: "failsafe" });
  if (!isMap(config)) throw new Error(`plugin config ${path} is no map`);
  const { executablepath, options = {}, ...others } = config;
  const [unknownKey] = Object.keys(others);
  if (unknownKey !== undefined) throw new Error(`field ${unknownKey} not found in ${path}`);
  if (typeof executablepath !== "string" || executablepath === "") {
    throw new Error("executablepath is required in config file");
  }
  if (!isMap(options)) throw new Error(`options in ${path} is no map`);
  for (const [key, value] of Object.entries(options)) {
    if (typeof value !== "string") throw new Error(`option ${key} in ${path} is no string`);
  }
  const executable = expandEnvironment(executablepath);
  const { restore_subset: subset } = options;
  return { executable, canRestoreSubset: subset === "on" };
}

/**
 * Puts the configuration of each segment to `<tmp>/<timestamp>_<name>` on its host, and a copy on the
 * coordinator's. Of several segments of a host the last one's stays.
 */
export async function distributePluginConfig(
  state: ClusterState,
  { path, timestamp }: { readonly path: string; readonly timestamp: string },
): Promise<void> {
  for (const segment of [...state.segments, state.coordinator]) {
    const config = parse(await readFile(path, "utf8"), { schema: "failsafe" });
    const port = segment.content < 0 ? state.segments.at(-1)?.port : segment.port;
    const options = { ...config.options, backup_plugin_version: "", pgport: `${port}` };
    const sorted = Object.fromEntries(Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1)));
    const { tmpDir } = hostOf(state, segment);
    await mkdir(tmpDir, { recursive: true });
    const text = stringify({ ...config, options: sorted }, { lineWidth: 0 });
    await writeFile(join(tmpDir, configCopyName(path, timestamp)), text, { mode: 0o600 });
  }
}

/** What a configuration's copies are called. */
export function configCopyName(path: string, timestamp: string): string {
  return `${timestamp}_${basename(path)}`;
}

function expandEnvironment(text: string): string {
  const { env } = process;
  return text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, a, b) => env[a ?? b] ?? "");
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
