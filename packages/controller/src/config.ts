import { availableParallelism } from "node:os";
import { dirname, resolve } from "node:path";
import {
  addressField,
  type ConfigFile,
  countField,
  loadYaml,
  type MetricsSettings,
  metricsField,
  nameField,
  pathField,
  resolveTlsFiles,
  type TlsFiles,
  tlsField,
} from "@penstock/common";
import { z } from "zod";
import { type PlanConfig, planSchema } from "./config-plan.ts";
import { referenceProblems } from "./config-references.ts";
import { type TargetSettings, targetSchema } from "./config-target.ts";

/** What an operator says about a cluster. Read once, at start-up. Maps are by name. */
export interface ControllerConfig {
  readonly cluster: string;
  readonly tls: TlsFiles;
  readonly agents: Readonly<Record<string, HostEntry>>;
  readonly receivers: Readonly<Record<string, HostEntry>>;
  readonly targets: Readonly<Record<string, TargetSettings>>;
  readonly plans: Readonly<Record<string, PlanConfig>>;
  /** Threads that move bytes, each on a core of its own. */
  readonly movers: number;
  readonly runDirectory: string;
  /** Where a run serves its metrics while it goes on; by default it does not. */
  readonly metrics?: MetricsSettings;
}

/** Another process of Penstock. */
interface HostEntry {
  /** `host:port`, as `parseAddress` takes it. */
  readonly address: string;
}

/** More threads than this were never faster: the network is the limit then. */
const MOST_DEFAULT_MOVERS = 8;

const hosts = z.record(
  nameField,
  z.strictObject({ address: addressField.describe("host:port as seen from the controller") }),
);

/** The schema of the controller's configuration file. Its relative paths are as written. */
export const controllerConfigSchema: z.ZodType<ControllerConfig> = z
  .strictObject({
    cluster: nameField.describe("Name of the cluster; sets are stored below it"),
    tls: tlsField.describe("PEM files; relative paths are taken from this file's folder"),
    agents: hosts.describe("The database hosts"),
    receivers: hosts.prefault({}).describe("Storage hosts that pull streams themselves"),
    targets: z.record(nameField, targetSchema).describe("Where sets can be stored"),
    plans: z.record(nameField, planSchema).describe("What can be backed up and restored"),
    movers: countField(1, 64)
      .optional()
      .transform((count) => count ?? Math.min(availableParallelism(), MOST_DEFAULT_MOVERS))
      .describe("Threads that move bytes; by default one for each core, at most 8"),
    runDirectory: pathField
      .prefault("/var/lib/penstock")
      .describe("Where the controller keeps what must outlive a command"),
    metrics: metricsField("127.0.0.1:9412").exactOptional(),
  })
  .superRefine((config, context) => {
    for (const { path, message } of referenceProblems(config)) {
      context.addIssue({ code: "custom", path: [...path], message });
    }
  });

/**
 * Reads the controller's configuration. Throws one `usage` error that names every problem with its
 * line, also a TLS file that is missing. Relative paths become absolute. Changes nothing.
 */
export function loadControllerConfig(path: string): ConfigFile<ControllerConfig> {
  const file = resolveTlsFiles(loadYaml(path, controllerConfigSchema));
  const targets = Object.entries(file.value.targets).map(
    ([name, target]) => [name, withAbsoluteCredentials(target, dirname(path))] as const,
  );
  return { ...file, value: { ...file.value, targets: Object.fromEntries(targets) } };
}

/** The file may be absent: only a command that uses the target needs it. */
function withAbsoluteCredentials(target: TargetSettings, folder: string): TargetSettings {
  const { credentialsFile } = target;
  if (credentialsFile === undefined) return target;
  return { ...target, credentialsFile: resolve(folder, credentialsFile) };
}
