import { mkdir, writeFile } from "node:fs/promises";
import { ANY_SEGMENT, backupDir, dataFile, pipePrefix, segmentTocFile } from "./files.ts";
import { type RemoteCommand, type RemoteOutcome, runOn, startOn } from "./machine-client.ts";
import type { StoragePlugin } from "./plugin.ts";
import type { ClusterState, Segment } from "./state.ts";
import type { Work } from "./work.ts";

/** What gpbackup_helper is to do on every segment. */
export interface HelperTask {
  readonly state: ClusterState;
  readonly work: Work;
  readonly plugin: StoragePlugin;
  readonly agent: "backup" | "restore";
  readonly timestamp: string;
  /** In their order; FIFOs are named by them. */
  readonly oids: readonly number[];
  /** Of the restore's FIFOs, after the oid. */
  readonly pipeSuffix: string;
  readonly compressed: boolean;
  readonly copyQueueSize: number;
  readonly flags: readonly string[];
}

/** A helper that has ended with an error. */
export interface HelperFailure {
  readonly content: number;
  /** The table that it could not do, as an index; those before it have been done. */
  readonly index: number;
}

/** The helpers of all segments, started over ssh. They do not end with us. */
export class Helpers {
  readonly #outcomes: readonly Promise<RemoteOutcome>[];
  readonly #failures: Promise<HelperFailure>[];

  private constructor(outcomes: readonly Promise<RemoteOutcome>[]) {
    this.#outcomes = outcomes;
    this.#failures = outcomes.map((outcome, content) => toFailure(outcome, content));
  }

  /** Makes the first FIFOs, without which a COPY could come too early, and starts the helpers. */
  static async start(task: HelperTask): Promise<Helpers> {
    const { state } = task;
    const started = await Promise.all(state.segments.map((segment) => startHelper(task, segment)));
    return new Helpers(started.map(({ outcome }) => outcome));
  }

  /** Calls back for each helper that fails. */
  onFailure(use: (failure: HelperFailure) => void): void {
    for (const failure of this.#failures) void failure.then(use);
  }

  /** How many have failed, when all have ended. */
  async failed(): Promise<number> {
    const ends = await Promise.all(this.#outcomes);
    return ends.filter(({ status }) => status !== 0).length;
  }

  /** What a COPY reads or writes, on any segment. */
  static pipe(timestamp: string, oid: number, suffix: string): string {
    return `${pipePrefix(ANY_SEGMENT, timestamp, process.pid)}_${oid}${suffix}`;
  }
}

async function startHelper(task: HelperTask, segment: Segment): Promise<RemoteCommand> {
  const { state, work, timestamp, oids, pipeSuffix, copyQueueSize } = task;
  const prefix = pipePrefix(segment, timestamp, process.pid);
  const pipes = oids.slice(0, copyQueueSize).map((oid) => `${prefix}_${oid}${pipeSuffix}`);
  await mkdir(backupDir(segment, timestamp), { recursive: true });
  const made = await runOn(state, segment, `mkfifo ${pipes.join(" ")}`);
  if (made.status !== 0) throw new Error(`Unable to create segment data pipes. ${made.stderr}`);
  await writeFile(prefix.replace("_pipe_", "_oid_"), `${oids.join("\n")}\n`);
  const script = prefix.replace("_pipe_", "_script_");
  await writeFile(script, `#!/bin/bash\nexec ${toCommand(task, segment, prefix)}\n`);
  const helper = await startOn(state, segment, `exec bash ${script}`);
  work.addHelper(helper);
  return helper;
}

function toCommand(task: HelperTask, segment: Segment, prefix: string): string {
  const { state, plugin, agent, timestamp, compressed, copyQueueSize, flags } = task;
  const data = dataFile(segment, timestamp, { extension: compressed ? ".gz" : "" });
  return [
    `${state.gpHome}/bin/gpbackup_helper --${agent}-agent`,
    `--toc-file ${segmentTocFile(segment, timestamp)}`,
    `--oid-file ${prefix.replace("_pipe_", "_oid_")} --pipe-file ${prefix}`,
    `--pipe-suffix "${task.pipeSuffix}"`,
    `--data-file ${data} --content ${segment.content}`,
    `--plugin-config ${plugin.configOn(segment)}`,
    `--copy-queue-size ${copyQueueSize}`,
    ...(compressed ? ["--compression-type gzip --compression-level 1"] : []),
    ...flags,
  ].join(" ");
}

async function toFailure(outcome: Promise<RemoteOutcome>, content: number): Promise<HelperFailure> {
  const { status, stderr } = await outcome;
  if (status === 0) return await new Promise(() => {});
  return { content, index: Number(/failed at table (\d+)/.exec(stderr)?.[1] ?? 0) };
}
