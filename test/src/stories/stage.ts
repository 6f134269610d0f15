import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Manifest } from "@penstock/common";
import { afterAll, beforeAll, expect, vi } from "vitest";
import type { Child, Outcome } from "../harness/child.ts";
import { Cluster, type ClusterOptions } from "../harness/cluster.ts";
import { guardChildren } from "../harness/guard-children.ts";
import { TempDir } from "../harness/temp-dir.ts";

/** What the agents of a stage may start: a shell can play any tool. */
const SHELL_TOOLS: Readonly<Record<string, string>> = { sh: "/bin/sh" };

/** What a stage's cluster is made of; see ClusterOptions. */
export type StageOptions = Pick<ClusterOptions, "hosts"> &
  Partial<Pick<ClusterOptions, "tools" | "agentSettings">>;

/** Longer than all tests of a file take together on a busy machine. */
const STAGE_LIMIT_MS = 900_000;
/** They guard against what hangs alone: a slow machine is no failure. */
const TEST_LIMIT_MS = 240_000;
const HOOK_LIMIT_MS = 120_000;

/**
 * One cluster for all tests of a file, started before the first and ended after the last. Call it at
 * the top of the file: it also sees to it that no process is left.
 */
export function openStage(options: StageOptions): Stage {
  guardChildren();
  vi.setConfig({ testTimeout: TEST_LIMIT_MS, hookTimeout: HOOK_LIMIT_MS });
  const stage = new Stage();
  beforeAll(() => stage.open(options));
  afterAll(() => stage.close());
  return stage;
}

/** A cluster with a folder of data for each host, and the `penstock` command. */
export class Stage {
  readonly signal: AbortSignal = AbortSignal.timeout(STAGE_LIMIT_MS);
  readonly #stack: AsyncDisposableStack = new AsyncDisposableStack();
  #cluster: Cluster | undefined;
  #dir = "";

  async open({ hosts, tools = SHELL_TOOLS, agentSettings = {} }: StageOptions): Promise<void> {
    this.#dir = this.#stack.use(await TempDir.create()).path;
    const options = { dir: this.#dir, hosts, tools, agentSettings };
    this.#cluster = this.#stack.use(await Cluster.start(options, this.signal));
    for (const host of hosts) await mkdir(this.dataOf(host), { recursive: true });
  }

  async close(): Promise<void> {
    await this.#stack.disposeAsync();
  }

  get cluster(): Cluster {
    if (this.#cluster === undefined) throw new Error("the stage is not open");
    return this.#cluster;
  }

  /** For whatever a test needs; it is removed with the cluster. */
  get dir(): string {
    return this.#dir;
  }

  /** Where the "database" of a host is: outside the agent's roots. */
  dataOf(host: string): string {
    return join(this.#dir, "data", host);
  }

  /** Writes a file into the "database" of a host. */
  async put(host: string, name: string, content: string | Uint8Array): Promise<void> {
    await writeFile(join(this.dataOf(host), name), content);
  }

  /** Runs a `penstock` command with the cluster's configuration to its end. */
  async penstock(...args: string[]): Promise<Outcome> {
    return await this.cluster.penstock(args, this.signal);
  }

  /** Starts a command, for a test that has something else to do meanwhile. */
  async startPenstock(...args: string[]): Promise<Child> {
    return await this.cluster.startPenstock(args, this.signal);
  }

  /** Runs a command that must succeed, and returns what it printed. */
  async ok(...args: string[]): Promise<string> {
    const outcome = await this.penstock(...args);
    expect(outcome, outcome.stderr).toMatchObject({ status: 0 });
    return outcome.stdout;
  }

  /** Runs a plan that must succeed, and returns the set's manifest. */
  async backup(plan: string): Promise<Manifest> {
    const lines = (await this.ok("backup", plan, "-o", "json")).trimEnd().split("\n");
    const { event, ...manifest } = JSON.parse(lines.at(-1) ?? "");
    expect(event).toBe("result");
    return manifest;
  }

  /**
   * Runs a command that must fail with this status and an error that contains all these words.
   * Nothing may be left on the hosts. Returns the outcome, for what else there is to say.
   */
  async fails(
    status: number,
    words: readonly (string | RegExp)[],
    ...args: string[]
  ): Promise<Outcome> {
    const outcome = await this.penstock(...args);
    expectFailure(outcome, status, words);
    expect(await this.cluster.leftOvers()).toEqual([]);
    return outcome;
  }

  /** The names of all sets on the default target, whatever their state. */
  async sets(): Promise<{ readonly set: string; readonly status: string }[]> {
    return JSON.parse(await this.ok("list", "-o", "json"));
  }
}

/** The command has ended with this status, and its error, without a stack, says all of these. */
export function expectFailure(
  outcome: Outcome,
  status: number,
  words: readonly (string | RegExp)[],
): void {
  const { stderr } = outcome;
  expect(outcome, stderr).toMatchObject({ status });
  const error = stderr.slice(stderr.lastIndexOf("error: "));
  expect(error).toMatch(/^error: \S/);
  for (const word of words) {
    if (typeof word === "string") expect(error).toContain(word);
    else expect(error).toMatch(word);
  }
  expect(error).not.toMatch(/^\s+at |internal/m);
}
