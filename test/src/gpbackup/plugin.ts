import { join } from "node:path";
import { backupDir } from "./files.ts";
import { runHere } from "./local-command.ts";
import { type RemoteOutcome, runOn } from "./machine-client.ts";
import { configCopyName, distributePluginConfig, readPluginConfig } from "./plugin-config.ts";
import type { ProgramLog } from "./program-log.ts";
import { type ClusterState, hostOf, type Segment } from "./state.ts";

/** A plugin must know at least this version of the interface. */
const REQUIRED_API = [0, 3, 0];

type Scope = "master" | "segment_host" | "segment";

/** What the calls of one run have in common. */
export interface PluginRun {
  readonly state: ClusterState;
  readonly log: ProgramLog;
  readonly purpose: "backup" | "restore";
  /** The backup's. */
  readonly timestamp: string;
  readonly configFile: string;
  /** Names this run's copies of the configuration. */
  readonly configTimestamp: string;
}

/** Calls a storage plugin as gpbackup and gprestore do: what, where, in which order, and how it may fail. */
export class StoragePlugin {
  readonly executable: string;
  readonly #run: PluginRun;

  private constructor(run: PluginRun, executable: string) {
    this.#run = run;
    this.executable = executable;
  }

  /** Reads and distributes the configuration. */
  static async open(run: PluginRun): Promise<StoragePlugin> {
    const { executable } = await readPluginConfig(run.configFile);
    const copies = { path: run.configFile, timestamp: run.configTimestamp };
    await distributePluginConfig(run.state, copies);
    return new StoragePlugin(run, executable);
  }

  /** Where the configuration is on a host. */
  configOn(segment: Pick<Segment, "host">): string {
    return join(hostOf(this.#run.state, segment).tmpDir, this.configName);
  }

  get configName(): string {
    return configCopyName(this.#run.configFile, this.#run.configTimestamp);
  }

  /** Asks every segment for the interface's version and the plugin's own; returns the latter. */
  async checkVersions(): Promise<string> {
    const api = await this.#onSegments(() => `${this.executable} plugin_api_version`);
    const wrong = api.filter(({ status, stdout }) => status !== 0 || !isNewEnough(stdout));
    if (wrong.length > 0) throw this.#hostsError("Plugin API version incorrect", wrong.length);
    const others = api.filter(({ stdout }) => stdout !== api[0]?.stdout);
    if (others.length > 0) throw this.#hostsError("Plugin API version inconsistent", others.length);
    const version = await runHere(`${this.executable} --version`);
    const words = version.stdout.trim().split(/\s+/);
    if (version.status !== 0 || words.length < 3) {
      throw new Error(`Unexpected plugin version format: ${version.stdout}${version.stderr}`);
    }
    const versions = await this.#onSegments(() => `${this.executable} --version`);
    const different = versions.filter(({ stdout }) => stdout !== version.stdout);
    if (different.length > 0) throw this.#hostsError("Plugin is inconsistent", different.length);
    return words[2] ?? "";
  }

  /** Calls the set-up hooks of all three scopes. Throws when one fails; later scopes are left out. */
  async setUp(): Promise<void> {
    const hook = `setup_plugin_for_${this.#run.purpose}`;
    const { status, stderr } = await runHere(this.#hookCommand(hook, "master"));
    if (status !== 0) throw new Error(stderr.trimEnd());
    for (const scope of ["segment_host", "segment"] as const) {
      const failed = await this.#hookOnSegments(hook, scope);
      const where = scope === "segment" ? `${failed} segment` : this.#hosts;
      const what = `Unable to execute command: ${hook} at: ${this.executable}, on: ${scope}`;
      if (failed > 0) throw new Error(`${what} on ${where}. ${this.#seeLog}`);
    }
  }

  /** Calls the clean-up hooks. Throws when the coordinator's fails, without calling the others. */
  async cleanUp(): Promise<void> {
    const hook = `cleanup_plugin_for_${this.#run.purpose}`;
    const { status, stderr } = await runHere(this.#hookCommand(hook, "master"));
    if (status !== 0) throw new Error(stderr.trimEnd());
    for (const scope of ["segment_host", "segment"] as const) {
      const failed = await this.#hookOnSegments(hook, scope);
      if (failed > 0) this.#run.log.error(`Unable to execute command: ${hook}, on: ${scope}`);
    }
  }

  /** Stores or fetches a file of the coordinator. */
  async file(command: "backup_file" | "restore_file", file: string): Promise<void> {
    const config = this.configOn(this.#run.state.coordinator);
    const { status, stderr } = await runHere(`${this.executable} ${command} ${config} ${file}`);
    if (status === 0) return;
    throw new Error(`ERROR: Plugin failed to process ${file}. ${stderr.trimEnd()}`);
  }

  /** Stores or fetches a file of each segment. */
  async segmentFiles(
    command: "backup_file" | "restore_file",
    fileOf: (segment: Segment) => string,
  ): Promise<void> {
    const outcomes = await this.#onSegments(
      (segment) => `${this.executable} ${command} ${this.configOn(segment)} ${fileOf(segment)}`,
    );
    const failed = outcomes.filter(({ status }) => status !== 0).length;
    const what = `Unable to process segment TOC files using plugin on ${failed} segment.`;
    if (failed > 0) throw new Error(`${what} ${this.#seeLog}`);
  }

  async #hookOnSegments(hook: string, scope: Scope): Promise<number> {
    const outcomes = await this.#onSegments((segment) => this.#hookCommand(hook, scope, segment));
    return outcomes.filter(({ status }) => status !== 0).length;
  }

  /** The content id arrives with its quotes; hosts, of which each segment makes one, have none. */
  #hookCommand(hook: string, scope: Scope, on?: Segment): string {
    const segment = on ?? this.#run.state.coordinator;
    const dir = backupDir(segment, this.#run.timestamp);
    const content = scope === "segment_host" ? [] : [`\\"${segment.content}\\"`];
    return [this.executable, hook, this.configOn(segment), dir, scope, ...content].join(" ");
  }

  async #onSegments(commandOf: (segment: Segment) => string): Promise<RemoteOutcome[]> {
    const { state } = this.#run;
    return await Promise.all(
      state.segments.map((segment) => runOn(state, segment, commandOf(segment))),
    );
  }

  #hostsError(what: string, count: number): Error {
    return new Error(`${what} on ${count} host${count === 1 ? "" : "s"}. ${this.#seeLog}`);
  }

  /** It counts segments and calls them hosts. */
  get #hosts(): string {
    return `${this.#run.state.segments.length} hosts`;
  }

  get #seeLog(): string {
    return `See ${this.#run.log.path} for a complete list of errors.`;
  }
}

function isNewEnough(answer: string): boolean {
  const version = /^(\d+)\.(\d+)\.(\d+)$/.exec(answer.trim())?.slice(1).map(Number);
  if (!version) return false;
  const different = version.findIndex((part, index) => part !== REQUIRED_API[index]);
  return different < 0 || (version[different] ?? 0) > (REQUIRED_API[different] ?? 0);
}
