import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Child, Outcome } from "../harness/child.ts";
import { TempDir } from "../harness/temp-dir.ts";
import { untilFound } from "../harness/until.ts";
import type { BackupConfig } from "./backup-config.ts";
import { GpbackupCluster } from "./cluster.ts";
import type { FillOptions } from "./fill.ts";
import { type PluginCall, RecordingPlugin } from "./recording-plugin.ts";
import { readYaml } from "./toc.ts";

/** What a test of the stand-ins needs. */
export interface StageOptions extends FillOptions {
  /** The host of each segment. */
  readonly segments: readonly string[];
}

/** What a backup did; of one that failed the timestamp is known from what the plugin was asked. */
export interface BackupOutcome extends Outcome {
  readonly timestamp: string;
}

/** A cluster with a filled database `testdb` and a recording plugin, for the stand-ins' own tests. */
export class Stage implements AsyncDisposable {
  readonly cluster: GpbackupCluster;
  readonly plugin: RecordingPlugin;
  /** The configuration that names the plugin. */
  readonly config: string;
  readonly #temp: TempDir;
  readonly #signal: AbortSignal;
  #copies = 0;

  private constructor(
    temp: TempDir,
    cluster: GpbackupCluster,
    plugin: RecordingPlugin,
    signal: AbortSignal,
  ) {
    this.#temp = temp;
    this.cluster = cluster;
    this.plugin = plugin;
    this.config = join(temp.path, "plugin.yaml");
    this.#signal = signal;
  }

  static async start({ segments, ...fill }: StageOptions, signal: AbortSignal): Promise<Stage> {
    const temp = await TempDir.create();
    const cluster = await GpbackupCluster.start({ dir: join(temp.path, "gp"), segments }, signal);
    await cluster.createDatabase("testdb", fill);
    const plugin = await RecordingPlugin.create(join(temp.path, "plugin"));
    const stage = new Stage(temp, cluster, plugin, signal);
    await plugin.writeConfig(stage.config);
    return stage;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
    await this.#temp[Symbol.asyncDispose]();
  }

  /** A folder for more. */
  get folder(): string {
    return this.#temp.path;
  }

  /** Runs gpbackup of `testdb` to its end. */
  async backUp(...flags: string[]): Promise<BackupOutcome> {
    const outcome = await this.cluster.run("gpbackup", this.backupArgs(...flags), this.#signal);
    return { ...outcome, timestamp: await this.lastTimestamp() };
  }

  backupArgs(...flags: string[]): string[] {
    return ["--dbname", "testdb", "--plugin-config", this.config, ...flags];
  }

  /** Runs gprestore into a new database to its end. */
  async restore(
    timestamp: string,
    ...flags: string[]
  ): Promise<Outcome & { readonly database: string }> {
    const { args, database } = this.restoreArgs(timestamp, ...flags);
    return { ...(await this.cluster.run("gprestore", args, this.#signal)), database };
  }

  restoreArgs(timestamp: string, ...flags: string[]): { args: string[]; database: string } {
    this.#copies += 1;
    const database = `copy${this.#copies}`;
    const args = ["--timestamp", timestamp, "--plugin-config", this.config, ...flags];
    return { args: [...args, "--create-db", "--redirect-db", database], database };
  }

  /** Starts a program whose plugins wait, and returns when three segments' have begun. */
  async startHeld(
    name: "gpbackup" | "gprestore",
    args: readonly string[],
    bytes: number,
  ): Promise<Child> {
    const command = name === "gpbackup" ? "backup_data" : "restore_data";
    await this.plugin.hold(command, "", bytes);
    const program = await this.cluster.startProgram(name, args, this.#signal);
    const find = async (): Promise<true | undefined> =>
      (await this.calls(command)).length === this.cluster.segments.length || undefined;
    await untilFound(find, `the calls of ${command}`, this.#signal);
    return program;
  }

  /** The newest timestamp that the plugin was told. */
  async lastTimestamp(): Promise<string> {
    const words = (await this.plugin.calls()).flatMap(({ argv }) => argv);
    return /\d{14}/.exec(words.findLast((word) => /\d{14}/.test(word)) ?? "")?.[0] ?? "";
  }

  /** What was called besides versions and rows, in few words. */
  async steps(): Promise<string[]> {
    const calls = await this.plugin.calls();
    return calls
      .filter(({ command }) => /file|plugin_for/.test(command))
      .map(({ command, argv: [, , path = "", scope] }) =>
        command.endsWith("_file")
          ? path.replace(/.*_/, "file ")
          : `${command.slice(0, 5)} ${scope}`,
      );
  }

  async calls(command: string): Promise<PluginCall[]> {
    return (await this.plugin.calls()).filter((call) => call.command === command);
  }

  /** Resolves when all calls so far have ended. */
  async untilEnded(command: string): Promise<PluginCall[]> {
    const find = async (): Promise<PluginCall[] | undefined> => {
      const calls = await this.calls(command);
      return calls.every(({ status }) => status !== undefined) ? calls : undefined;
    };
    return await untilFound(find, `${command} to end`, this.#signal);
  }

  /** Resolves when a helper of the first segment has turned to another FIFO than now. */
  async untilNextPipe(before: readonly string[]): Promise<void> {
    const find = async (): Promise<true | undefined> => {
      const now = await this.pipes();
      return before.some((name) => !now.includes(name)) || undefined;
    };
    await untilFound(find, "a helper to turn to its next FIFO", this.#signal);
  }

  /** FIFOs of the first segment. */
  async pipes(): Promise<string[]> {
    return (await this.filesOfSegment()).filter((name) => name.includes("_pipe_"));
  }

  /** What is in the data directory of the first segment. */
  async filesOfSegment(): Promise<string[]> {
    return await readdir(this.cluster.segments[0]?.dataDir ?? "");
  }

  /** What a stored config.yaml says of its backup. */
  async statusOf(timestamp: string): Promise<string> {
    const file = this.plugin.storedPath(`gpbackup_${timestamp}_config.yaml`);
    return (await readYaml<BackupConfig>(file)).status;
  }

  /** False if what is stored under that name, or that path's name, lacks its end. */
  async isWholeGzip(path: string): Promise<boolean> {
    const file = this.plugin.storedPath(path.replace(/.*\//, ""));
    return await promisify(execFile)("gzip", ["-t", file]).then(
      () => true,
      () => false,
    );
  }
}

/** What `steps` says of a run's set-up and its end. */
export const SETUP: readonly string[] = hooks("setup");
export const CLEANUP: readonly string[] = hooks("clean");
export const LAST_FILES: readonly string[] = ["file config.yaml", "file report"];

/** Of three segments. */
function hooks(step: string): string[] {
  const scopes = ["master", ...Array(3).fill("segment_host"), ...Array(3).fill("segment")];
  return scopes.map((scope) => `${step} ${scope}`);
}
