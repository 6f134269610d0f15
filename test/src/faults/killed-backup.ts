import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Manifest } from "@penstock/common";
import { expect } from "vitest";
import type { Child, Outcome } from "../harness/child.ts";
import { CLUSTER_NAME } from "../harness/cluster.ts";
import { untilFound } from "../harness/until.ts";
import type { Stage } from "../stories/stage.ts";
import { CLEAN_LIMIT_MS, Story, type StoryOptions } from "./story.ts";

/** 32 MB of numbers in pieces, for a shell; `pause` is what is done after each. */
export function pieces(pause: string): string {
  return `for i in $(seq 10 49); do seq "$i"000000 "$i"100000; ${pause}; done`;
}

/** Goes no further in a shell until the file is there. */
export function heldUntil(file: string): string {
  return `until [ -e '${file}' ]; do sleep 0.05; done`;
}

/** The pieces, the second half of them not before the file is there. */
export function halves(file: string): string {
  return pieces(`[ "$i" != 29 ] || ${heldUntil(file)}`);
}

/** A story of one backup whose controller is killed, and of those who come after it. */
export class KilledBackup {
  readonly story: Story;
  readonly #stage: Stage;
  readonly #signal: AbortSignal;
  readonly #notes: string;

  private constructor(stage: Stage, story: Story, notes: string, signal: AbortSignal) {
    this.#stage = stage;
    this.story = story;
    this.#notes = notes;
    this.#signal = signal;
  }

  /** The script writes to its stream; its host is in `$STORY_HOST`, and every start of it is noted. */
  static async begin(
    stage: Stage,
    name: string,
    script: string,
    options: Partial<StoryOptions>,
    signal: AbortSignal,
  ): Promise<KilledBackup> {
    const notes = join(stage.dir, `${name}.notes`);
    const story = await Story.begin(stage.cluster, {
      backup: `echo started >> '${notes}'; { ${script}; } > "$1"`,
      ...options,
    });
    return new KilledBackup(stage, story, notes, signal);
  }

  /** Starts it; `-o json`. */
  async start(): Promise<Child> {
    return await this.#stage.cluster.startPenstock(
      ["backup", "nightly", "-o", "json"],
      this.#signal,
    );
  }

  /** The lines that its tools have noted. */
  async starts(): Promise<string> {
    return await readFile(this.#notes, "utf8");
  }

  /** The set that a backup makes. */
  async setOf(command: Child): Promise<string> {
    const [, set = ""] = await command.stdout.waitFor(
      /"event":"started","run":"(\d{14})"/,
      this.#signal,
    );
    return set;
  }

  /** Kills it, and returns the name of its set. */
  async kill(command: Child): Promise<string> {
    const set = await this.setOf(command);
    command.kill("SIGKILL");
    await command.exited;
    return set;
  }

  /** Kills it when it has noted that this stream is finished. */
  async killAfter(command: Child, stream: string): Promise<string> {
    const set = await this.setOf(command);
    const noted = async (): Promise<true | undefined> => {
      const text = await readFile(this.journalOf(set), "utf8");
      return text.includes(`{"entry":"stored","receipt":{"name":"${stream}"`) || undefined;
    };
    await untilFound(noted, `the receipt of ${stream}`, this.#signal);
    return await this.kill(command);
  }

  /** The file that says what another process must know. */
  journalOf(set: string): string {
    const folder = `${CLUSTER_NAME}.${set}`;
    return join(this.#stage.cluster.runDirectory, "runs", folder, "journal.jsonl");
  }

  async resume(...args: string[]): Promise<Outcome> {
    return await this.#stage.cluster.penstock(["backup", "--resume", ...args], this.#signal);
  }

  async startResume(set: string): Promise<Child> {
    const args = ["backup", "--resume", set, "-o", "json"];
    return await this.#stage.cluster.startPenstock(args, this.#signal);
  }

  /** The set's manifest, as it lies in the story's store. */
  async manifestOf(set: string): Promise<Manifest> {
    const file = join(this.story.store, CLUSTER_NAME, set, "manifest.json");
    return JSON.parse(await readFile(file, "utf8")) as Manifest;
  }

  /** The set is committed and whole, and no trace of its runs is left. */
  async expectWhole(set: string, digest: string): Promise<Manifest> {
    await this.story.untilNoTrace(AbortSignal.timeout(CLEAN_LIMIT_MS));
    const manifest = await this.manifestOf(set);
    expect(manifest.status).toBe("committed");
    for (const { sha256Raw } of manifest.streams) expect(sha256Raw).toBe(digest);
    const verified = await this.#stage.cluster.penstock(["verify", set], this.#signal);
    expect(verified).toMatchObject({ status: 0 });
    return manifest;
  }

  /** The set has failed; these streams and no others were finished, and can be read. */
  async expectFailed(set: string, streams: readonly string[]): Promise<void> {
    await this.story.untilNoTrace(AbortSignal.timeout(CLEAN_LIMIT_MS));
    const failed = await this.story.failure();
    expect(failed.status).toBe("failed");
    expect(failed.streams.map(({ name }) => name)).toEqual(streams);
    for (const stream of streams) {
      const read = await this.#stage.cluster.penstock(["cat", set, stream], this.#signal);
      expect(read).toMatchObject({ status: 0 });
    }
    expect(await this.resume(set)).toMatchObject({ status: 7 });
  }
}
