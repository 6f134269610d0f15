import { PenstockError, type Receipt } from "@penstock/common";
import { Direction } from "@penstock/proto";
import type { PlannedStream, RunPlan } from "../producers/producer.ts";
import type { JournalState } from "../runs/journal.ts";
import type { RunContext } from "./context.ts";
import { tellAgents } from "./pace-agents.ts";
import { prepareAll } from "./prepare.ts";
import type { Session } from "./session.ts";
import type { StallWatch } from "./stall-watch.ts";
import { type BackupStreamRun, finishedStream, StoredStreamRun } from "./stored-streams.ts";
import { toStreamSpec } from "./stream-specs.ts";

/** What streams are prepared for. */
export type StreamsPlan = Pick<RunPlan, "streams" | "tools" | "strays">;

/** Who is told how a stream goes. */
export interface StreamWatchers {
  readonly stalls: StallWatch;
  /** Makes a receipt known to whoever may have to go on; durable when it resolves. */
  readonly note: (receipt: Receipt) => Promise<void>;
}

/** All streams of one backup: those under way, and what a process that is dead had finished. */
export class BackupStreams {
  readonly #context: RunContext;
  readonly #session: Session;
  readonly #before: JournalState | undefined;
  readonly #finished: ReadonlyMap<string, Receipt>;
  readonly #streams: BackupStreamRun[] = [];

  constructor(context: RunContext, session: Session, before: JournalState | undefined) {
    this.#context = context;
    this.#session = session;
    this.#before = before;
    this.#finished = new Map(before?.receipts.map((receipt) => [receipt.name, receipt]));
  }

  /** Those whose proof is there; of the others it is not known. */
  get receipts(): Receipt[] {
    const receipts = new Map(this.#finished);
    for (const { receipt } of this.#streams) {
      if (receipt !== undefined) receipts.set(receipt.name, receipt);
    }
    return [...receipts.values()];
  }

  /** Has the agents make and open them. Returns where each is served, by its name; see prepareAll. */
  async prepare({ streams, tools, strays }: StreamsPlan): Promise<ReadonlyMap<string, string>> {
    const { codec, explain } = this.#context;
    const written = new Set(tools.flatMap((tool) => tool.streams));
    const specified = streams.map((planned) => ({
      planned,
      spec: toStreamSpec(
        planned,
        Direction.DIRECTION_BACKUP,
        planned.codec ?? codec,
        written.has(planned.name),
      ),
    }));
    const preparation = { streams: specified, tools, ...(strays && { strays }) };
    return await prepareAll(this.#session, preparation, explain);
  }

  /** Gives every stream its mover; resolves when all readers are attached. */
  async attach(
    planned: readonly PlannedStream[],
    addresses: ReadonlyMap<string, string>,
    watchers: StreamWatchers,
  ): Promise<BackupStreamRun[]> {
    const { session, context } = { session: this.#session, context: this.#context };
    const targets = context.targets.map(({ config }) => config);
    await this.#pace(planned);
    const takesOver = this.#before !== undefined;
    // The dead process, if there is one, had connections to lose.
    const isFirst = this.#streams.length === 0;
    const reconnects = isFirst && this.#before?.hasBegun === true ? 1 : 0;
    const own = { session, set: session.ref.run, protocol: 1, takesOver, reconnects, targets };
    const common = { ...context, ...own, ...watchers };
    const streams = planned.map((stream) => {
      const receipt = this.#finished.get(stream.name);
      if (receipt !== undefined) return finishedStream(stream, receipt, context.report);
      return new StoredStreamRun(common, stream, addresses.get(stream.name) ?? "");
    });
    this.#streams.push(...streams);
    await Promise.all(streams.map((stream) => stream.attached()));
    return streams;
  }

  /** Those of these names. */
  named(names: readonly string[]): BackupStreamRun[] {
    const wanted = new Set(names);
    return this.#streams.filter(({ planned }) => wanted.has(planned.name));
  }

  /** Settles those that no tool of ours has written; plugin processes see to their own. */
  async settleRest(): Promise<void> {
    const unclaimed = this.#streams.filter(
      ({ receipt, planned }) => receipt === undefined && planned.kind !== "plugin",
    );
    await Promise.all(unclaimed.map((stream) => stream.settle(null)));
  }

  /** What the dead process had stored must be what this one would have. */
  assertNoneLost(): void {
    const names = new Set(this.#streams.map(({ planned }) => planned.name));
    for (const { name, host } of this.#finished.values()) {
      if (names.has(name)) continue;
      const message = `stream ${name} of ${host} was stored, and is gone there now`;
      throw new PenstockError("failed", message);
    }
  }

  /** Frees what the movers hold. Never throws. */
  async close(): Promise<void> {
    await Promise.all(this.#streams.map((stream) => stream.close()));
  }

  /** Before anything can flow. */
  async #pace(planned: readonly PlannedStream[]): Promise<void> {
    const streams = planned.filter(({ name }) => !this.#finished.has(name));
    const mayHavePace = this.#before !== undefined;
    const paced = { streams, mayHavePace, tell: tellAgents(this.#session) };
    await this.#context.pace.begin(paced, this.#session.signal);
  }
}
