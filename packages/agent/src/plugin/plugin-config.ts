/** What the plugin is told by its configuration file. */
export interface PluginConfigParts {
  /** Absolute path of the plugin, the same on all hosts. */
  readonly executable: string;
  readonly plan: string;
  readonly socket: string;
}

/**
 * The configuration file for gpbackup and gprestore: a map of text to text in `options`, which they copy
 * to every host and into the backup. It holds no secret.
 */
export function pluginConfigText({ executable, plan, socket }: PluginConfigParts): string {
  const options = { plan, socket, restore_subset: "on" };
  const lines = Object.entries(options).map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`);
  return [`executablepath: ${JSON.stringify(executable)}`, "options:", ...lines, ""].join("\n");
}
