import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { AgentHost } from "./agent-host.ts";
import type { Child, Outcome } from "./child.ts";
import type { Cluster } from "./cluster.ts";
import { descendantsOf, processesWith } from "./processes.ts";
import { type Scripts, type ShellPlanOptions, shellPlan } from "./shell-plan.ts";
import { untilNone } from "./until.ts";

/** How long a run may take to fail and to be cleaned up after a fault. */
export const FAULT_LIMIT_MS = 35_000;

/** What a story is about; all hosts of the cluster take part, if none are named. */
export type StoryOptions = Scripts &
  Partial<ShellPlanOptions> & {
    /** Where the target is; by default a folder of the story's own. */
    readonly store?: string;
  };

/** Sets by `penstock list`, as far as a story asks. */
export interface ListedSet {
  readonly set: string;
  readonly status: string;
  readonly streams: number;
}

let stories = 0;

/**
 * One plan, `nightly`, with a target of its own, on a cluster that many stories share one after
 * another. What a run does and leaves is looked at from outside: exit status, files, processes.
 */
export class Story {
  readonly store: string;
  readonly #cluster: Cluster;

  private constructor(cluster: Cluster, store: string) {
    this.#cluster = cluster;
    this.store = store;
  }

  /** Writes the configuration; nothing is started. */
  static async begin(cluster: Cluster, options: StoryOptions): Promise<Story> {
    stories += 1;
    const folder = `story-${String(stories).padStart(3, "0")}`;
    const story = new Story(cluster, options.store ?? join(cluster.store, folder));
    await story.change(options);
    return story;
  }

  /** Other tools or settings for what comes next. */
  async change(options: StoryOptions): Promise<void> {
    const { hosts = this.#cluster.hosts, tool = {} } = options;
    // By its environment whatever a tool has started is found, even if it has run away.
    const marked = { ...tool, env: { ...tool.env, STORY: this.store } };
    await this.#cluster.configure({
      plans: { nightly: shellPlan(options, { ...options, hosts, tool: marked }) },
      targets: { local: { url: `file://${this.store}` } },
    });
  }

  async backup(signal: AbortSignal): Promise<Outcome> {
    return await this.#cluster.penstock(["backup", "nightly"], signal);
  }

  async restore(signal: AbortSignal): Promise<Outcome> {
    return await this.#cluster.penstock(["restore", "nightly", "--set", "LATEST"], signal);
  }

  /** Starts a backup or restore, and returns when bytes flow on as many streams. */
  async startFlowing(
    command: "backup" | "restore",
    signal: AbortSignal,
    streams = 1,
  ): Promise<Child> {
    const set = command === "restore" ? ["--set", "LATEST"] : [];
    const args = [command, "nightly", ...set, "-o", "json"];
    const child = await this.#cluster.startPenstock(args, signal);
    const flowing = '"state":"flowing","bytes":[1-9]';
    for (const host of this.#cluster.hosts.slice(0, streams)) {
      await child.stdout.waitFor(new RegExp(`"stream":"app-${host.name}".*${flowing}`), signal);
    }
    return child;
  }

  /** As `penstock list` says. */
  async list(signal: AbortSignal): Promise<ListedSet[]> {
    const outcome = await this.#cluster.penstock(["list", "-o", "json"], signal);
    if (outcome.status !== 0) throw new Error(outcome.stderr);
    return JSON.parse(outcome.stdout) as ListedSet[];
  }

  /** All files below the target, relative to it. */
  async storedFiles(): Promise<string[]> {
    const entries = await readdir(this.store, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(this.store.length + 1))
      .sort();
  }

  /** The target's only `failed.json`. */
  async failure(): Promise<{ status: string; error: string; streams: { name: string }[] }> {
    const names = (await this.storedFiles()).filter((name) => name.endsWith("/failed.json"));
    if (names.length !== 1) throw new Error(`${names.length} files are called failed.json`);
    return JSON.parse(await readFile(join(this.store, names[0] ?? ""), "utf8"));
  }

  /**
   * Resolves when no trace of a run is left: on the hosts no pipe, file, folder or process, and
   * nothing in the state folders of the agents; at the target nothing half-written.
   */
  async untilNoTrace(signal: AbortSignal, hosts = this.#cluster.hosts): Promise<void> {
    await untilNone(async () => {
      const traces = hosts.map((host) => tracesOn(host));
      const partials = (await names(this.store)).filter((name) => name === ".partial");
      return [...(await Promise.all(traces)).flat(), ...partials, ...(await processesWith(this.store))];
    }, signal);
  }
}

async function tracesOn(host: AgentHost): Promise<string[]> {
  const folders = [host.root, ...["runs", "pipes"].map((name) => join(host.root, "../state", name))];
  const files = await Promise.all(
    folders.map(async (folder) => (await names(folder)).map((name) => join(folder, name))),
  );
  const children = host.child.isRunning ? await descendantsOf(host.child.pid) : [];
  return [...files.flat(), ...children.map(({ pid }) => `process ${pid} of the agent ${host.name}`)];
}

async function names(folder: string): Promise<string[]> {
  return await readdir(folder).catch(() => []); // it is made when it is first needed
}
