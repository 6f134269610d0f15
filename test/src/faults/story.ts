import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { AgentHost } from "../harness/agent-host.ts";
import type { Child, Outcome } from "../harness/child.ts";
import type { Cluster } from "../harness/cluster.ts";
import { descendantsOf, processesWith } from "../harness/processes.ts";
import { untilNone } from "../harness/until.ts";
import { type Scripts, type ShellPlanOptions, shellPlan } from "./shell-plan.ts";

/** How long a run may take to fail and to be cleaned up after a fault. */
export const FAULT_LIMIT_MS = 35_000;

/** When no trace should be left, and no promise says by when: only to tell what hangs. */
export const CLEAN_LIMIT_MS = 150_000;

/** Ends what the stories of a file wait for if one of them hangs: many times what they take together. */
export const FILE_LIMIT_MS = 1_500_000;

/** A lease that stories wait for the end of; all others have one that a busy machine does not miss. */
export const SHORT_LEASE = "5s";

/** What a story is about; all hosts of the cluster take part, if none are named. */
export type StoryOptions = Scripts &
  Partial<ShellPlanOptions> & {
    /** The folder of the target; by default one of the story's own. */
    readonly store?: string;
    /** Where to look at it, if not there. */
    readonly view?: string;
    /** What is between the controller and some hosts, by the host's name. */
    readonly network?: Readonly<Record<string, { readonly address: string }>>;
  };

/** Sets by `penstock list`, as far as a story asks. */
export interface ListedSet {
  readonly set: string;
  readonly status: string;
  readonly streams: number;
}

/** What a `failed.json` says, as far as a story asks. */
export interface Failed {
  readonly status: string;
  readonly error: string;
  readonly endedAt: string;
  readonly streams: readonly { readonly name: string }[];
}

let stories = 0;

/**
 * One plan, `nightly`, with a target of its own, on a cluster that many stories share one after
 * another. What a run does and leaves is looked at from outside: exit status, files, processes.
 */
export class Story {
  /** The folder of the target. */
  readonly store: string;
  readonly #view: string;
  readonly #cluster: Cluster;
  #hosts: readonly AgentHost[] = [];

  private constructor(cluster: Cluster, store: string, view: string) {
    this.#cluster = cluster;
    this.store = store;
    this.#view = view;
  }

  /** Writes the configuration; nothing is started. */
  static async begin(cluster: Cluster, options: StoryOptions): Promise<Story> {
    stories += 1;
    const folder = `story-${String(stories).padStart(3, "0")}`;
    const { store = join(cluster.store, folder), view = store } = options;
    const story = new Story(cluster, store, view);
    await story.change(options);
    return story;
  }

  /** Other tools or settings for what comes next. */
  async change(options: StoryOptions): Promise<void> {
    const { hosts = this.#cluster.hosts, tool = {} } = options;
    this.#hosts = hosts;
    // By its environment whatever a tool has started is found, even if it has run away.
    const marked = { ...tool, env: { ...tool.env, STORY_HOST: "{root}" } };
    await this.#cluster.configure({
      plans: { nightly: shellPlan(options, { ...options, hosts, tool: marked }) },
      targets: { local: { url: `file://${this.store}` } },
    });
    await this.#redirect(options.network ?? {});
  }

  async backup(signal: AbortSignal): Promise<Outcome> {
    return await this.#cluster.penstock(["backup", "nightly"], signal);
  }

  async restore(signal: AbortSignal): Promise<Outcome> {
    return await this.#cluster.penstock(["restore", "nightly", "--set", "LATEST"], signal);
  }

  /** Starts a backup or restore, and returns when bytes flow on all streams. */
  async startFlowing(command: "backup" | "restore", signal: AbortSignal): Promise<Child> {
    const set = command === "restore" ? ["--set", "LATEST"] : [];
    const args = [command, "nightly", ...set, "-o", "json"];
    const child = await this.#cluster.startPenstock(args, signal);
    const flowing = '"state":"flowing","bytes":[1-9]';
    for (const { name } of this.#hosts) {
      await child.stdout.waitFor(new RegExp(`"stream":"app-${name}".*${flowing}`), signal);
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
    const entries = await readdir(this.#view, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(this.#view.length + 1))
      .sort();
  }

  /** The pipes of the plan's runs on a host. */
  async pipesOn({ root }: AgentHost): Promise<string[]> {
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFIFO())
      .map((entry) => join(entry.parentPath, entry.name));
  }

  /** SHA-256 of the only object of a stream. */
  async digestOf(stream: string): Promise<string> {
    const files = (await this.storedFiles()).filter((name) => name.endsWith(`/streams/${stream}`));
    if (files.length !== 1) throw new Error(`${files.length} objects are called ${stream}`);
    const hash = createHash("sha256");
    await pipeline(createReadStream(join(this.#view, files[0] ?? "")), hash);
    return hash.digest("hex");
  }

  /** The target's only `failed.json`. */
  async failure(): Promise<Failed> {
    const files = (await this.storedFiles()).filter((name) => name.endsWith("/failed.json"));
    if (files.length !== 1) throw new Error(`${files.length} files are called failed.json`);
    return JSON.parse(await readFile(join(this.#view, files[0] ?? ""), "utf8"));
  }

  /**
   * Resolves when no trace of a run is left: on the hosts no pipe, file, folder or process, and
   * nothing in the state folders of the agents; at the target nothing half-written.
   */
  async untilNoTrace(
    signal: AbortSignal,
    hosts: readonly AgentHost[] = this.#hosts,
  ): Promise<void> {
    await untilNone(async () => {
      const traces = hosts.map((host) => tracesOn(host));
      const partials = (await names(this.#view)).filter((name) => name === ".partial");
      return [
        ...(await Promise.all(traces)).flat(),
        ...partials,
        ...(await processesWith(this.store)),
      ];
    }, signal);
  }

  async #redirect(network: Readonly<Record<string, { readonly address: string }>>): Promise<void> {
    const { configFile } = this.#cluster;
    let text = await readFile(configFile, "utf8");
    for (const [host, { address }] of Object.entries(network)) {
      text = text.replace(this.#cluster.host(host).address, address);
    }
    await writeFile(configFile, text);
  }
}

/** What runs have left on a host and in its agent's state; none is good. */
export async function tracesOn(host: AgentHost): Promise<string[]> {
  const folders = [
    host.root,
    ...["runs", "pipes"].map((name) => join(host.root, "../state", name)),
  ];
  const files = await Promise.all(
    folders.map(async (folder) => (await names(folder)).map((name) => join(folder, name))),
  );
  const children = host.child.isRunning ? await descendantsOf(host.child.pid) : [];
  return [
    ...files.flat(),
    ...(await processesWith(host.root)),
    ...children.map(({ pid }) => `process ${pid} of the agent ${host.name}`),
  ];
}

async function names(folder: string): Promise<string[]> {
  return await readdir(folder).catch(() => []); // it is made when it is first needed
}
