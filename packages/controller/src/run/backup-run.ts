import type { Manifest, Receipt } from "@penstock/common";
import type { HostFile, PlannedTool, RunPlan } from "../producers/producer.ts";
import type { Journal, JournalState } from "../runs/journal.ts";
import { startTimeLimit } from "../time-limit.ts";
import { awaitTool } from "./awaited-tool.ts";
import { BackupStreams, type StreamWatchers } from "./backup-streams.ts";
import { writeStarted } from "./begin.ts";
import { planFiles } from "./collect.ts";
import { commit } from "./commit.ts";
import type { RunContext } from "./context.ts";
import type { ToolEnd } from "./held-run.ts";
import { runLimited } from "./limits.ts";
import type { PlannedBackup } from "./planning.ts";
import { prove, type Seen, type ToolEnds } from "./prove.ts";
import { reasonText } from "./run-failure.ts";
import { serveBackup } from "./serve-plugin.ts";
import type { Session } from "./session.ts";
import type { StallWatch } from "./stall-watch.ts";
import { sweepSet } from "./sweep-set.ts";
import { runTool } from "./tool-run.ts";
import { watchStalls } from "./watch-stalls.ts";
import { writeFailed } from "./write-failed.ts";

const CLEAN_UP_TIMEOUT_MS = 30_000;

/** What a backup is made of. */
export interface BackupParts {
  readonly context: RunContext;
  readonly session: Session;
  /** What a process that is dead has noted, if this one goes on with its run. */
  readonly before: JournalState | undefined;
  readonly startedAt: Date;
}

/** The state of one backup. */
export class BackupRun {
  readonly #context: RunContext;
  readonly #session: Session;
  readonly #streams: BackupStreams;
  readonly #startedAt: Date;
  #hasBegun: boolean;

  constructor({ context, session, before, startedAt }: BackupParts) {
    this.#context = context;
    this.#session = session;
    this.#streams = new BackupStreams(context, session, before);
    this.#startedAt = startedAt;
    this.#hasBegun = before?.hasBegun ?? false;
  }

  /** The set is there, if only as one that is running. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** `journal` is where it is noted what another process must know, if that can be noted. */
  async execute(backup: PlannedBackup, journal: Journal | undefined): Promise<Manifest> {
    const { planned } = backup;
    const { report, plan, explain } = this.#context;
    const { run } = this.#session.ref;
    await planFiles(this.#session, planned.files, explain); // a wrong glob is to be found now, not at the end
    const addresses = await this.#streams.prepare(planned);
    await this.#start(journal);
    report({ event: "started", run, set: run, plan, startedAt: this.#startedAt.toISOString() });
    using stalls = watchStalls(this.#context, this.#session, "backup");
    const note = async (receipt: Receipt): Promise<void> => await journal?.stored(receipt);
    const watchers = { stalls, note };
    await this.#streams.attach(planned.streams, addresses, watchers);
    const seen = await this.#drive(backup, watchers);
    const found = [...seen.found, ...(await this.#collectFiles(planned, watchers))];
    const warnings = await prove(this.#session, planned, { ...seen, found }, this.#context);
    const manifest = this.#manifest("committed", warnings);
    this.#streams.assertNoneLost();
    await commit(this.#context, manifest, this.#session.signal);
    await seen.onCommitted?.();
    return manifest;
  }

  /**
   * Stops and removes everything, and leaves a note of what was finished. Returns false if that could
   * not be written everywhere. Never throws.
   */
  async fail(error: unknown): Promise<boolean> {
    const reason = reasonText(error);
    await this.#session.abort(reason);
    await this.sweep(); // first: on a full disk it makes the room for the note
    if (!this.hasBegun) return true;
    const failed = { ...this.#manifest("failed"), error: reason };
    return await writeFailed(this.#context.targets, failed);
  }

  /** Removes what the targets still hold of unfinished objects. Never throws. */
  async sweep(): Promise<void> {
    using limit = startTimeLimit(CLEAN_UP_TIMEOUT_MS); // for a target that hangs
    await Promise.race([this.#sweep(), limit.over]);
  }

  async #sweep(): Promise<void> {
    await this.#streams.close();
    if (!this.hasBegun) return; // the name may be another run's
    const signal = AbortSignal.timeout(CLEAN_UP_TIMEOUT_MS);
    await sweepSet(this.#context, this.#session.ref.run, signal);
  }

  async #start(journal: Journal | undefined): Promise<void> {
    await writeStarted(this.#context, this.#session, this.#startedAt);
    this.#hasBegun = true;
    await journal?.started();
  }

  /** Has everything flow, to its end. */
  async #drive(
    { planned, awaited }: PlannedBackup,
    watchers: StreamWatchers,
  ): Promise<Seen & { readonly onCommitted?: () => Promise<void> }> {
    const { plugin } = planned;
    const runTools = (own: RunPlan, names?: ReadonlySet<string>): Promise<ToolEnds> =>
      this.#runTools(own, watchers.stalls, names);
    const own = { context: this.#context, session: this.#session, streams: this.#streams };
    if (awaited !== undefined) {
      await awaitTool({ ...own, stalls: watchers.stalls }, planned, awaited);
      return { ends: new Map(), found: [] };
    }
    if (plugin === undefined) return { ends: await runTools(planned), found: [] };
    return await serveBackup({ ...own, watchers }, { ...planned, plugin }, runTools);
  }

  /** `names` are those of streams that nobody has planned. */
  async #runTools(
    planned: RunPlan,
    stalls: StallWatch,
    names?: ReadonlySet<string>,
  ): Promise<ToolEnds> {
    const ends = new Map<string, ToolEnd>();
    const run = async (tool: PlannedTool): Promise<void> => {
      const watched = { stalls, names: names ?? tool.streams };
      const end = await this.#runTool(tool, planned, watched);
      ends.set(tool.id, end);
      const { stderrTail: _stderr, stdoutTail: _stdout, ...outcome } = end;
      const own = this.#streams.named(tool.streams);
      await Promise.all(own.map((stream) => stream.settle(outcome)));
    };
    await runLimited(planned.tools, this.#context.limits, run, this.#session.signal);
    await this.#streams.settleRest();
    return ends;
  }

  async #runTool(
    tool: PlannedTool,
    { streams }: RunPlan,
    { stalls, names }: { stalls: StallWatch; names: Parameters<StallWatch["running"]>[2] },
  ): Promise<ToolEnd> {
    using _watched = stalls.running(tool.tool, tool.host, names);
    return await runTool(this.#session, tool, streams, { ...this.#context, stalls });
  }

  /** Returns what was found. */
  async #collectFiles({ files }: RunPlan, watchers: StreamWatchers): Promise<readonly HostFile[]> {
    const found = await planFiles(this.#session, files, this.#context.explain);
    if (found.length === 0) return [];
    const addresses = await this.#streams.prepare({ streams: found, tools: [] });
    const streams = await this.#streams.attach(found, addresses, watchers);
    await Promise.all(streams.map((stream) => stream.settle(null)));
    return found;
  }

  #manifest(status: Manifest["status"], warnings: readonly string[] = []): Manifest {
    const { cluster, plan, producerType: producer } = this.#context;
    return {
      formatVersion: 1,
      set: this.#session.ref.run,
      cluster,
      plan,
      producer,
      status,
      startedAt: this.#startedAt.toISOString(),
      endedAt: new Date().toISOString(),
      ...(warnings.length === 0 ? {} : { warnings }),
      streams: this.#streams.receipts,
    };
  }
}
