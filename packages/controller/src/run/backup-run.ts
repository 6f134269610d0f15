import { type Manifest, PenstockError, type Receipt } from "@penstock/common";
import { Direction } from "@penstock/proto";
import type { PlannedStream, PlannedTool, RunPlan } from "../producers/producer.ts";
import type { Journal, JournalState } from "../runs/journal.ts";
import { startTimeLimit } from "../time-limit.ts";
import { writeStarted } from "./begin.ts";
import { planFiles } from "./collect.ts";
import { commit } from "./commit.ts";
import type { RunContext } from "./context.ts";
import type { ToolEnd } from "./held-run.ts";
import { runLimited } from "./limits.ts";
import { tellAgents } from "./pace-agents.ts";
import { prepareAll } from "./prepare.ts";
import { reasonText } from "./run-failure.ts";
import type { Session } from "./session.ts";
import { StallWatch } from "./stall-watch.ts";
import { type BackupStreamRun, finishedStream, StoredStreamRun } from "./stored-streams.ts";
import { toStreamSpec } from "./stream-specs.ts";
import { sweepSet } from "./sweep-set.ts";
import { runTool } from "./tool-run.ts";
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

/** The state of one backup: what is under way, and what is finished. */
export class BackupRun {
  readonly #context: RunContext;
  readonly #session: Session;
  readonly #takesOver: boolean;
  readonly #finished: ReadonlyMap<string, Receipt>;
  readonly #streams: BackupStreamRun[] = [];
  readonly #startedAt: Date;
  /** The dead process, if there is one, had connections to lose. */
  readonly #wasAttached: boolean;
  #journal: Journal | undefined;
  #hasBegun: boolean;

  constructor({ context, session, before, startedAt }: BackupParts) {
    this.#context = context;
    this.#session = session;
    this.#takesOver = before !== undefined;
    this.#finished = new Map(before?.receipts.map((receipt) => [receipt.name, receipt]));
    this.#startedAt = startedAt;
    this.#wasAttached = before?.hasBegun ?? false;
    this.#hasBegun = this.#wasAttached;
  }

  /** The set is there, if only as one that is running. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** `journal` is where it is noted what another process must know, if that can be noted. */
  async execute(journal: Journal | undefined): Promise<Manifest> {
    this.#journal = journal;
    const { producer, report, plan, explain } = this.#context;
    const { run } = this.#session.ref;
    const planned = producer.planBackup(run);
    await planFiles(this.#session, planned.files, explain); // a wrong glob is to be found now, not at the end
    const addresses = await this.#prepare(planned.streams, planned.tools);
    await this.#start();
    report({ event: "started", run, set: run, plan, startedAt: this.#startedAt.toISOString() });
    using stalls = this.#watchStalls();
    await this.#attach(planned.streams, addresses, stalls);
    await this.#runTools(planned, stalls);
    await this.#collectFiles(planned, stalls);
    const manifest = this.#manifest("committed");
    this.#assertNoneLost();
    await commit(this.#context, manifest, this.#session.signal);
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
    await this.#closeStreams();
    if (!this.hasBegun) return; // the name may be another run's
    const signal = AbortSignal.timeout(CLEAN_UP_TIMEOUT_MS);
    await sweepSet(this.#context, this.#session.ref.run, signal);
  }

  async #start(): Promise<void> {
    await writeStarted(this.#context, this.#session, this.#startedAt);
    this.#hasBegun = true;
    await this.#journal?.started();
  }

  async #prepare(
    planned: readonly PlannedStream[],
    tools: readonly PlannedTool[],
  ): Promise<ReadonlyMap<string, string>> {
    const { codec, explain } = this.#context;
    const streams = planned.map((stream) => {
      const hasTool = tools.some((tool) => tool.streams.includes(stream.name));
      const spec = toStreamSpec(stream, Direction.DIRECTION_BACKUP, codec, hasTool);
      return { planned: stream, spec };
    });
    return await prepareAll(this.#session, { streams, tools }, explain);
  }

  /** Gives every stream its mover; resolves when all readers are attached. */
  async #attach(
    planned: readonly PlannedStream[],
    addresses: ReadonlyMap<string, string>,
    stalls: StallWatch,
  ): Promise<BackupStreamRun[]> {
    const { session, context } = { session: this.#session, context: this.#context };
    const targets = context.targets.map(({ config }) => config);
    await this.#pace(planned);
    const takesOver = this.#takesOver;
    const reconnects = this.#wasAttached && this.#streams.length === 0 ? 1 : 0;
    const own = { session, set: session.ref.run, protocol: 1, takesOver, reconnects, stalls };
    const note = (receipt: Receipt): Promise<void> => this.#note(receipt);
    const common = { ...context, ...own, targets, note };
    const streams = planned.map((stream) => {
      const receipt = this.#finished.get(stream.name);
      if (receipt !== undefined) return finishedStream(stream, receipt, context.report);
      return new StoredStreamRun(common, stream, addresses.get(stream.name) ?? "");
    });
    this.#streams.push(...streams);
    await Promise.all(streams.map((stream) => stream.attached()));
    return streams;
  }

  /** Before anything can flow. */
  async #pace(planned: readonly PlannedStream[]): Promise<void> {
    const streams = planned.filter(({ name }) => !this.#finished.has(name));
    const paced = { streams, mayHavePace: this.#takesOver, tell: tellAgents(this.#session) };
    await this.#context.pace.begin(paced, this.#session.signal);
  }

  #watchStalls(): StallWatch {
    const { stall, targets } = this.#context;
    return new StallWatch({
      direction: "backup",
      run: this.#session.ref.run,
      timeoutMs: stall.backup,
      targets: targets.map(({ target }) => target.url),
      rateOf: (stream) => this.#context.pace.rateOf(stream),
      fail: (error) => this.#session.fail(error),
    });
  }

  async #runTools({ tools, streams }: RunPlan, stalls: StallWatch): Promise<void> {
    const { limits } = this.#context;
    const byName = new Map(this.#streams.map((stream) => [stream.planned.name, stream]));
    await runLimited(
      tools,
      limits,
      async (tool) => {
        const {
          stderrTail: _stderr,
          stdoutTail: _stdout,
          ...outcome
        } = await this.#runTool(tool, streams, stalls);
        const own = tool.streams.flatMap((name) => byName.get(name) ?? []);
        await Promise.all(own.map((stream) => stream.settle(outcome)));
      },
      this.#session.signal,
    );
    const unclaimed = this.#streams.filter((stream) => stream.receipt === undefined);
    await Promise.all(unclaimed.map((stream) => stream.settle(null)));
  }

  async #runTool(
    tool: PlannedTool,
    streams: readonly PlannedStream[],
    stalls: StallWatch,
  ): Promise<ToolEnd> {
    using _watched = stalls.running(tool.tool, tool.host, tool.streams);
    return await runTool(this.#session, tool, streams, this.#context);
  }

  async #collectFiles({ files }: RunPlan, stalls: StallWatch): Promise<void> {
    const planned = await planFiles(this.#session, files, this.#context.explain);
    if (planned.length === 0) return;
    const addresses = await this.#prepare(planned, []);
    const streams = await this.#attach(planned, addresses, stalls);
    await Promise.all(streams.map((stream) => stream.settle(null)));
  }

  async #note(receipt: Receipt): Promise<void> {
    await this.#journal?.stored(receipt);
  }

  async #closeStreams(): Promise<void> {
    await Promise.all(this.#streams.map((stream) => stream.close()));
  }

  #manifest(status: Manifest["status"]): Manifest {
    const { cluster, plan, producerType: producer } = this.#context;
    const receipts = new Map(this.#finished);
    for (const { receipt } of this.#streams) {
      if (receipt !== undefined) receipts.set(receipt.name, receipt);
    }
    return {
      formatVersion: 1,
      set: this.#session.ref.run,
      cluster,
      plan,
      producer,
      status,
      startedAt: this.#startedAt.toISOString(),
      endedAt: new Date().toISOString(),
      streams: [...receipts.values()],
    };
  }

  /** What the dead process had stored must be what this one would have. */
  #assertNoneLost(): void {
    const names = new Set(this.#streams.map(({ planned }) => planned.name));
    for (const { name, host } of this.#finished.values()) {
      if (names.has(name)) continue;
      throw new PenstockError(
        "failed",
        `stream ${name} of ${host} was stored, and is gone there now`,
      );
    }
  }
}
