import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Manifest } from "@penstock/common";
import { expect } from "vitest";
import { Story } from "../faults/story.ts";
import { type Child, type Outcome, run } from "../harness/child.ts";
import type { Cluster } from "../harness/cluster.ts";
import type { NetworkStage } from "./network-stage.ts";

/** What a tool writes. */
export interface Dump {
  readonly command: string;
  readonly sha256: string;
}

/** A dump of so many short rows. */
export async function createDump(rows: number, signal: AbortSignal): Promise<Dump> {
  const command = `seq 1 ${rows}`;
  const { stdout } = await run("sh", ["-c", `${command} | sha256sum`], {}, signal);
  return { command, sha256: stdout.slice(0, 64) };
}

/** What a story moves, and over which links. */
export interface LinkStoryOptions {
  /** Its own, if other stories run at the same time. */
  readonly hosts: readonly [string, ...string[]];
  /** Of each host. */
  readonly dump: Dump;
  readonly lease: string;
}

/** Whether a stream's connection has broken on the way. */
type Breaks = "with breaks" | "without breaks";

/** One dump of each host goes to the store, and comes back; see Story. */
export class LinkStory {
  readonly story: Story;
  readonly #cluster: Cluster;
  readonly #options: LinkStoryOptions;
  readonly #out: string;

  private constructor(cluster: Cluster, story: Story, out: string, options: LinkStoryOptions) {
    this.story = story;
    this.#cluster = cluster;
    this.#options = options;
    this.#out = out;
  }

  static async begin(stage: NetworkStage, options: LinkStoryOptions): Promise<LinkStory> {
    const cluster = stage.cluster.withConfiguration(options.hosts[0]);
    const out = join(stage.dir, options.hosts[0]);
    const story = await Story.begin(cluster, {
      backup: `${options.dump.command} > "$1"`,
      // Only who sees a good end of its input says so.
      restore: `sha256sum < "$1" > '${out}.sha256'; touch '${out}.complete'`,
      hosts: options.hosts.map((name) => cluster.host(name)),
      settings: { lease: options.lease },
    });
    return new LinkStory(cluster, story, out, options);
  }

  async start(command: "backup" | "restore", signal: AbortSignal): Promise<Child> {
    return await this.story.startFlowing(command, signal);
  }

  /** The command has done all that it should, and its connections have broken on the way or not. */
  async expectWhole(
    command: "backup" | "restore",
    outcome: Outcome,
    breaks: Breaks,
    signal: AbortSignal,
  ): Promise<void> {
    expect(outcome, outcome.stderr).toMatchObject({ status: 0 });
    await this.story.untilNoTrace(signal);
    if (command === "backup") await this.#expectCommitted(breaks, signal);
    else await this.#expectRestored(outcome, breaks);
  }

  /** No consumer has taken what it got for the whole. */
  async expectNoFalseEnd(): Promise<void> {
    await expect(access(`${this.#out}.complete`)).rejects.toThrow("ENOENT");
  }

  async #expectCommitted(breaks: Breaks, signal: AbortSignal): Promise<void> {
    const { hosts, dump } = this.#options;
    for (const host of hosts) expect(await this.story.digestOf(`app-${host}`)).toBe(dump.sha256);
    const shown = await this.#cluster.penstock(["show", "LATEST", "-o", "json"], signal);
    const { status, streams }: Manifest = JSON.parse(shown.stdout);
    expect(status).toBe("committed");
    expect(streams.map(({ sha256Raw }) => sha256Raw)).toEqual(hosts.map(() => dump.sha256));
    for (const { reconnects } of streams) expectBreaks(reconnects, breaks);
  }

  async #expectRestored({ stdout }: Outcome, breaks: Breaks): Promise<void> {
    expect(await readFile(`${this.#out}.sha256`, "utf8")).toContain(this.#options.dump.sha256);
    expectBreaks(stdout.split('"event":"reconnect"').length - 1, breaks);
  }
}

function expectBreaks(count: number, breaks: Breaks): void {
  if (breaks === "with breaks") expect(count).toBeGreaterThanOrEqual(1);
  else expect(count).toBe(0);
}
