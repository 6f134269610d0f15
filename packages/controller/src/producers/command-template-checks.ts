import { type ConfigPath, type ConfigProblem, unknownName } from "@penstock/common";
import type { CommandConfig, CommandTool } from "./command-config.ts";
import { SOME_SET, valuesOf } from "./command-expansion.ts";
import { unknownPlaceholders } from "./template.ts";

/** Placeholders that have no value on one of the hosts. */
export function placeholderProblems(config: CommandConfig): ConfigProblem[] {
  return config.hosts.flatMap((host) => {
    const values = valuesOf(host, SOME_SET);
    const allowed = Object.keys(values);
    return templatesOf(config).flatMap(({ path, template }) =>
      unknownPlaceholders(template, values).map((name) => ({
        path,
        message: `for host ${host.name}: ${unknownName("placeholder", name, allowed)}`,
      })),
    );
  });
}

interface PlacedTemplate {
  readonly path: ConfigPath;
  readonly template: string;
}

function templatesOf({ streams, backup, restore, files }: CommandConfig): PlacedTemplate[] {
  return [
    ...streams.flatMap(({ name, path = "" }, index) => [
      { path: ["streams", index, "name"], template: name },
      { path: ["streams", index, "path"], template: path },
    ]),
    ...toolTemplates("backup", backup),
    ...(restore === undefined ? [] : toolTemplates("restore", restore)),
    ...files.map((template, index) => ({ path: ["files", index], template })),
  ];
}

function toolTemplates(section: string, { args, env }: CommandTool): PlacedTemplate[] {
  return [
    ...args.map((template, index) => ({ path: [section, "args", index], template })),
    ...Object.entries(env).map(([name, template]) => ({ path: [section, "env", name], template })),
  ];
}
