import { join } from "node:path";
import { pathField, quote, unexpected } from "@penstock/common";
import { z } from "zod";

/** How gpbackup's storage plugin reaches an agent. */
export interface PluginSettings {
  /** Absolute path of the Unix socket; for its default see `socketOf`. */
  readonly socket?: string;
  /** Absolute path of the plugin, the same on all hosts. */
  readonly executable: string;
}

interface WrittenSettings {
  socket?: string;
  executable?: string | undefined;
}

const EXECUTABLE = "/usr/bin/gpbackup_penstock_plugin";

const settingsSchema: z.ZodType<PluginSettings, WrittenSettings> = z.strictObject({
  socket: pathField
    .exactOptional()
    .describe("Unix socket to serve; default: plugin.sock in the state directory"),
  executable: shellPath(pathField)
    .prefault(EXECUTABLE)
    .describe("Path of the plugin, the same on all hosts"),
});

const off = z.string().transform((word, context): "off" => {
  if (word !== "off") {
    context.addIssue({ code: "custom", message: `unknown value ${quote(word)}; allowed: off` });
  }
  return "off";
});

/** The key `plugin`. By default it is served. */
export const pluginField: z.ZodType<PluginSettings | "off", WrittenSettings | string> = z
  .union([off, settingsSchema], {
    error: ({ input }) => unexpected(input, "a map with the keys socket, executable; or off"),
  })
  .describe("How gpbackup's storage plugin reaches this agent; off: not at all");

/** Where plugin processes connect; "" if they cannot. */
export function socketOf(config: {
  readonly plugin: PluginSettings | "off";
  readonly stateDirectory: string;
}): string {
  const { plugin, stateDirectory } = config;
  return plugin === "off" ? "" : (plugin.socket ?? join(stateDirectory, "plugin.sock"));
}

/** Where the plugin is, as gpbackup is told; also where it is not used. */
export function executableOf(plugin: PluginSettings | "off"): string {
  return plugin === "off" ? EXECUTABLE : plugin.executable;
}

/** gpbackup puts it into a command line of bash as it is. */
function shellPath(path: z.ZodType<string, string>): z.ZodType<string, string> {
  return path.superRefine((value, context) => {
    if (/^[\w./+@%=:,-]*$/.test(value)) return;
    const allowed = `letters, digits and any of "./_+@%=:,-", since a shell reads it`;
    const message = `bad path ${quote(value)}; allowed: ${allowed}`;
    context.addIssue({ code: "custom", message });
  });
}
