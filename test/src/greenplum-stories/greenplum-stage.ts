import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Manifest } from "@penstock/common";
import { afterAll, beforeAll, expect, vi } from "vitest";
import { GreenplumCluster } from "../greenplum/cluster.ts";
import type { GreenplumSettings } from "../greenplum/state.ts";
import type { Child, Outcome } from "../harness/child.ts";
import { Cluster } from "../harness/cluster.ts";
import { guardChildren } from "../harness/guard-children.ts";
import { TempDir } from "../harness/temp-dir.ts";

/** Longer than all tests of a file take together on a busy machine. */
const STAGE_LIMIT_MS = 1_200_000;
/** They guard against what hangs alone: a slow machine is no failure. */
const HOOK_LIMIT_MS = 240_000;
const TEST_LIMIT_MS = 300_000;
const ROWS = 4_000;

/** What a stage is made of. */
export interface GreenplumStageOptions {
  /** The host of each segment; the coordinator is on `mdw`. */
  readonly segments: readonly string[];
  readonly settings?: Partial<GreenplumSettings>;
  /** A shell script in place of gpcrondump; `$REAL` is the right one. */
  readonly gpcrondump?: string;
  /** Of the largest table; default 4000. */
  readonly rows?: number;
}

/** Opens a stage before the first test of a file and closes it after the last. */
export function openGreenplum(options: GreenplumStageOptions): GreenplumStage {
  guardChildren();
  vi.setConfig({ testTimeout: TEST_LIMIT_MS, hookTimeout: HOOK_LIMIT_MS });
  const stage = new GreenplumStage();
  beforeAll(() => stage.open(options));
  afterAll(() => stage.close());
  return stage;
}

/**
 * A Greenplum cluster of stand-ins with a filled database `testdb`, an agent for each of its hosts,
 * and the `penstock` command.
 */
export class GreenplumStage {
  readonly signal: AbortSignal = AbortSignal.timeout(STAGE_LIMIT_MS);
  readonly #stack: AsyncDisposableStack = new AsyncDisposableStack();
  #greenplum: GreenplumCluster | undefined;
  #cluster: Cluster | undefined;

  async open(options: GreenplumStageOptions): Promise<void> {
    const { segments, settings = {}, gpcrondump, rows = ROWS } = options;
    const { path: dir } = this.#stack.use(await TempDir.create());
    const soon = { lockPollMs: 100, ...settings };
    const made = { dir: join(dir, "gp"), coordinator: "mdw", segments, settings: soon };
    const greenplum = this.#stack.use(await GreenplumCluster.start(made, this.signal));
    this.#greenplum = greenplum;
    await greenplum.createDatabase("testdb", { rows });
    const hosts = [...new Set(["mdw", ...segments])];
    const agentSettings = { roots: [greenplum.dumpDirectory, join(dir, "gp/hosts")] };
    const instead = gpcrondump && (await writeScript(dir, greenplum, gpcrondump));
    const gp_restore = join(greenplum.tools.gpdbrestore, "../gp_restore");
    const tools = { ...greenplum.tools, gp_restore, ...(instead && { gpcrondump: instead }) };
    const own = { dir: join(dir, "penstock"), hosts, tools, agentSettings };
    await mkdir(own.dir);
    this.#cluster = this.#stack.use(await Cluster.start(own, this.signal));
    await this.plan({});
  }

  async close(): Promise<void> {
    await this.#stack.disposeAsync();
  }

  get greenplum(): GreenplumCluster {
    if (this.#greenplum === undefined) throw new Error("the stage is not open");
    return this.#greenplum;
  }

  get cluster(): Cluster {
    if (this.#cluster === undefined) throw new Error("the stage is not open");
    return this.#cluster;
  }

  /** Writes the configuration: the plan `nightly`, with these keys beside the usual ones. */
  async plan(
    producer: Readonly<Record<string, unknown>>,
    plan: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    const { dumpDirectory: directory } = this.greenplum;
    const usual = { type: "gpcrondump", coordinator: "mdw", database: "testdb", directory };
    const nightly = { producer: { ...usual, ...producer }, targets: ["local"], grace: "5s" };
    await this.cluster.configure({ plans: { nightly: { ...nightly, ...plan } } });
  }

  /** Runs a `penstock` command to its end. */
  async penstock(...args: string[]): Promise<Outcome> {
    return await this.cluster.penstock(args, this.signal);
  }

  /** Starts a command, for a test that has something else to do meanwhile. */
  async startPenstock(...args: string[]): Promise<Child> {
    return await this.cluster.startPenstock(args, this.signal);
  }

  /** Runs a command that must succeed, with its result as JSON. */
  async result(command: string, ...args: string[]): Promise<Record<string, unknown>> {
    const outcome = await this.penstock(command, "-o", "json", ...args);
    expect(outcome, `${outcome.stderr}${outcome.stdout}`).toMatchObject({ status: 0 });
    return resultOf(outcome);
  }

  /** Runs the plan, which must succeed. */
  async backup(): Promise<Manifest> {
    return (await this.result("backup", "nightly")) as unknown as Manifest;
  }

  /** As if the whole cluster were new: no database, and no file of any dump. */
  async empty(): Promise<void> {
    const { greenplum } = this;
    await greenplum.dropDatabase("testdb");
    await rm(join(greenplum.dumpDirectory, "db_dumps"), { recursive: true, force: true });
  }
}

async function writeScript(
  dir: string,
  { tools }: GreenplumCluster,
  body: string,
): Promise<string> {
  const path = join(dir, "gpcrondump");
  await writeFile(path, `#!/bin/sh\nREAL='${tools.gpcrondump}'\n${body}`);
  await chmod(path, 0o755);
  return path;
}

/** The last line of what a command has said with `-o json`. */
export function resultOf({ stdout }: Outcome): Record<string, unknown> {
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as Record<string, unknown>;
}
