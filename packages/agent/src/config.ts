import {
  type Bytes,
  type ConfigFile,
  countField,
  durationField,
  formatSize,
  listenField,
  loadYaml,
  type MetricsSettings,
  type Milliseconds,
  metricsField,
  nameField,
  pathField,
  resolveTlsFiles,
  sizeField,
  type TlsFiles,
  tlsField,
} from "@penstock/common";
import { z } from "zod";
import { type PluginSettings, pluginField } from "./plugin/plugin-settings.ts";

/** What an operator says about one database host. Read once, at start-up. */
export interface AgentConfig {
  /** The host's name in the controller's configuration and in the agent's certificate. */
  readonly name: string;
  readonly cluster: string;
  /** `host:port`; port 0 takes any free one. */
  readonly listen: string;
  readonly tls: TlsFiles;
  /** Folders below which streams and files may lie. */
  readonly roots: readonly string[];
  /** What may be started: name to absolute path of the program. */
  readonly tools: Readonly<Record<string, string>>;
  readonly stateDirectory: string;
  /** Threads that serve streams, each on its own port. */
  readonly threads: number;
  /** The budget that the replay buffers of all streams share. */
  readonly memory: Bytes;
  /** The most that one stream keeps while it is not acknowledged. */
  readonly replayBuffer: Bytes;
  /** How long a run lives without a sign of its controller. */
  readonly lease: Milliseconds;
  readonly logLevel: LogLevel;
  /** Where metrics are served; by default they are not. */
  readonly metrics?: MetricsSettings;
  /** How gpbackup's storage plugin reaches this agent; off: not at all. */
  readonly plugin: PluginSettings | "off";
}

/** From the most to the least. */
type LogLevel = (typeof LOG_LEVELS)[number];

const LOG_LEVELS = ["trace", "debug", "info", "warn", "error"] as const;
const MIB = 2 ** 20;

/** The schema of the agent's configuration file. Its `tls` paths are as written. */
export const agentConfigSchema: z.ZodType<AgentConfig> = z
  .strictObject({
    name: nameField.describe("Name of this host, as in the controller's configuration"),
    cluster: nameField.describe("Name of the cluster that this host belongs to"),
    listen: listenField
      .prefault("0.0.0.0:7411")
      .describe("Address and port to serve controllers and movers on"),
    tls: tlsField.describe("PEM files; relative paths are taken from this file's folder"),
    roots: z.array(pathField).describe("Folders below which streams and files may lie"),
    tools: z
      .record(nameField, pathField)
      .describe("Programs that may be started: name to absolute path"),
    stateDirectory: pathField
      .prefault("/var/lib/penstock-agent")
      .describe("Where the agent notes what it made, to remove it after a crash"),
    threads: countField(1, 64)
      .prefault(1)
      .describe("Threads that serve streams; one moves about 0.7 GB/s"),
    memory: sizeField(16 * MIB)
      .prefault("1GiB")
      .describe("Budget of the replay buffers of all streams together"),
    replayBuffer: sizeField(MIB)
      .prefault("64MiB")
      .describe("The most that one stream keeps until the target has it durably"),
    lease: durationField(1000)
      .prefault("30s")
      .describe("How long a run lives without a sign of its controller"),
    logLevel: z.enum(LOG_LEVELS).prefault("info").describe("The least important entries to log"),
    metrics: metricsField("127.0.0.1:9411").exactOptional(),
    plugin: pluginField.prefault({}),
  })
  .superRefine(({ memory, replayBuffer }, context) => {
    if (replayBuffer <= memory) return;
    const message = `${formatSize(memory)} is less than one stream's replayBuffer; allowed: at least ${formatSize(replayBuffer)}`;
    context.addIssue({ code: "custom", path: ["memory"], message });
  });

/**
 * Reads the agent's configuration. Throws one `usage` error that names every problem with its line,
 * also a TLS file that is missing. Changes nothing.
 */
export function loadAgentConfig(path: string): ConfigFile<AgentConfig> {
  return resolveTlsFiles(loadYaml(path, agentConfigSchema));
}
