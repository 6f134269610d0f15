import { nameField, type StreamKind, textField } from "@penstock/common";
import { z } from "zod";
import { commandProblems } from "./command-checks.ts";
import { variableName } from "./variable-name.ts";

/**
 * A tool that writes or reads pipes, started once on each host. In names, paths, arguments, values
 * of the environment and globs `{host}`, `{set}` and the host's variables are replaced.
 */
export interface CommandConfig {
  readonly type: "command";
  readonly hosts: readonly CommandHost[];
  /** What the tool of each host writes, or reads in a restore. */
  readonly streams: readonly CommandStream[];
  readonly backup: CommandTool;
  /** Without it the plan cannot restore. */
  readonly restore?: CommandTool;
  /** Regular files to collect when the tools have ended well. */
  readonly files: readonly string[];
}

/** An agent, with values of its own for the templates. */
export interface CommandHost {
  readonly name: string;
  readonly vars: Readonly<Record<string, string>>;
}

/** One stream of each host. */
export interface CommandStream {
  readonly name: string;
  /** `stdout` and `stdin` mean the same: the tool's own, read in a backup, written in a restore. */
  readonly kind: StreamKind;
  /** There for `fifo` and `file`, and only for them. */
  readonly path?: string;
  /** False if a backup without it is still whole. */
  readonly required: boolean;
}

/** What to start on each host. */
export interface CommandTool {
  /** Name in the agent's allow-list. */
  readonly tool: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** How the tool is asked to stop; without it by SIGTERM. */
  readonly stopSignal?: string;
}

const STOP_SIGNALS = ["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2"];

const template = textField.meta({
  description: "May hold {host}, {set} and variables of the host",
});

const host = z
  .union([
    nameField,
    z.strictObject({
      name: nameField.describe("Name of an agent"),
      vars: z.record(variableName, textField).prefault({}).describe("Values for templates"),
    }),
  ])
  .transform((entry) => (typeof entry === "string" ? { name: entry, vars: {} } : entry));

const stream = z
  .strictObject({
    name: template,
    kind: z.enum(["fifo", "file", "stdout", "stdin"]),
    path: template.exactOptional(),
    required: z.boolean().prefault(true).describe("Whether a backup without it has failed"),
  })
  .superRefine(({ kind, path }, context) => {
    const needsPath = kind === "fifo" || kind === "file";
    if (needsPath === (path !== undefined)) return;
    const message = needsPath
      ? `a stream of kind ${kind} needs a path; allowed: an absolute path`
      : `a stream of kind ${kind} has no path; allowed: no path, or kind fifo or file`;
    context.addIssue({ code: "custom", path: ["path"], message, continue: false });
  });

const tool = z.strictObject({
  tool: nameField.describe("Name in the agent's list of tools"),
  args: z.array(template).prefault([]),
  env: z.record(variableName, template).prefault({}),
  stopSignal: z.enum(STOP_SIGNALS).exactOptional().describe("How the tool is asked to stop"),
});

/** The schema of a producer of type `command`, with all checks that need nothing but its own text. */
export const commandConfigSchema: z.core.$ZodTypeDiscriminable & z.ZodType<CommandConfig> = z
  .strictObject({
    type: z.literal("command"),
    hosts: z.array(host).min(1).describe("Agents: names, or names with variables"),
    streams: z.array(stream).min(1).describe("What the tool of each host writes"),
    backup: tool.describe("What writes the streams"),
    restore: tool.exactOptional().describe("What reads them"),
    files: z.array(template).prefault([]).describe("Regular files to collect afterwards, as globs"),
  })
  .superRefine((config, context) => {
    for (const { path, message } of commandProblems(config)) {
      context.addIssue({ code: "custom", path: [...path], message });
    }
  });
