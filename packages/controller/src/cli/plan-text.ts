import type { Inquiry, PlannedTool, RunPlan } from "../producers/producer.ts";
import { table } from "./table.ts";

/** What a plan would do, for people. */
export function toPlanText({ streams, tools, files, plugin }: RunPlan): string {
  const parts = [
    table([
      ["HOST", "STREAM", "KIND", "PATH"],
      ...streams.map(({ host, name, kind, path }) => [host, name, kind, path === "" ? "-" : path]),
      ...(plugin === undefined ? [] : [["*", "one for each plugin process", "plugin", "-"]]),
    ]),
    toToolTable(tools),
  ];
  if (files.length > 0) {
    const rows = files.map(({ host, glob }) => [host, glob]);
    parts.push(table([["HOST", "FILES COLLECTED AFTERWARDS"], ...rows]));
  }
  return parts.join("\n");
}

/** The same, of a plan that is made only when its hosts have been asked. */
export function toInquiryText({ tools, files }: Inquiry): string {
  const rows = files.map(({ host, path }) => [host, path]);
  const parts = [
    "its hosts are asked first what it consists of: nothing is asked now\n",
    toToolTable(tools),
    ...(rows.length === 0 ? [] : [table([["HOST", "FILES READ THEREAFTER"], ...rows])]),
  ];
  return parts.join("\n");
}

/** As it may be shown: without the environment, which may hold passwords, and its place in the file. */
export function toShownTool(tool: PlannedTool): Omit<PlannedTool, "origin" | "env"> {
  const { origin: _origin, env: _env, ...shown } = tool;
  return shown;
}

function toToolTable(tools: readonly PlannedTool[]): string {
  const rows = tools.map(({ host, tool, args }) => [host, tool, args.map(quoted).join(" ")]);
  return table([["HOST", "TOOL", "ARGUMENTS"], ...rows]);
}

function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
