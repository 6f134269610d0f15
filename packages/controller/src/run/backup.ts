import type { Manifest, Receipt } from "@penstock/common";
import { Direction } from "@penstock/proto";
import { toDocument } from "../catalogue/documents.ts";
import { setKeys } from "../catalogue/keys.ts";
import type { PlannedStream, PlannedTool, RunPlan } from "../producers/producer.ts";
import { beginSet, isNameTaken, writeStarted } from "./begin.ts";
import { planFiles } from "./collect.ts";
import { commit } from "./commit.ts";
import type { RunContext } from "./context.ts";
import { runLimited } from "./limits.ts";
import { prepareAll } from "./prepare.ts";
import { reachAll } from "./reach.ts";
import { reasonText, toRunFailure } from "./run-failure.ts";
import type { Session } from "./session.ts";
import { StoredStreamRun } from "./stored-streams.ts";
import { toStreamSpec } from "./stream-specs.ts";
import { runTool } from "./tool-run.ts";

const CLEAN_UP_TIMEOUT_MS = 30_000;

/**
 * Runs a plan: one committed set on every target, or none. Whatever happens, the hosts are left as
 * they were. Throws the run's first failure; `failed.json` then says what was finished.
 */
export async function backup(context: RunContext, signal: AbortSignal): Promise<Manifest> {
  await reachAll(context.agents, context.cluster, signal);
  for (;;) {
    const session = await beginSet(context, signal);
    try {
      return await runBackup(context, session);
    } catch (error) {
      if (!isNameTaken(error)) throw error; // else another plan was a moment earlier: try again
    }
  }
}

async function runBackup(context: RunContext, session: Session): Promise<Manifest> {
  const run = new BackupRun(context, session);
  try {
    const manifest = await run.execute();
    await session.release();
    return manifest;
  } catch (thrown) {
    const cause: unknown = session.signal.aborted ? session.signal.reason : thrown;
    const error = run.hasBegun ? toRunFailure(cause) : cause;
    await run.fail(error);
    throw error;
  } finally {
    await run.sweep();
  }
}

/** The state of one backup: what is under way, and what is finished. */
class BackupRun {
  readonly #context: RunContext;
  readonly #session: Session;
  readonly #streams: StoredStreamRun[] = [];
  #startedAt: Date | undefined;

  constructor(context: RunContext, session: Session) {
    this.#context = context;
    this.#session = session;
  }

  /** The set is there, if only as one that is running. */
  get hasBegun(): boolean {
    return this.#startedAt !== undefined;
  }

  async execute(): Promise<Manifest> {
    const { producer, report, plan, explain } = this.#context;
    const { run } = this.#session.ref;
    const planned = producer.planBackup(run);
    await planFiles(this.#session, planned.files, explain); // a wrong glob is to be found now, not at the end
    const addresses = await this.#prepare(planned.streams, planned.tools);
    this.#startedAt = await writeStarted(this.#context, this.#session);
    report({ event: "started", run, set: run, plan, startedAt: this.#startedAt.toISOString() });
    await this.#attach(planned.streams, addresses);
    await this.#runTools(planned);
    await this.#collectFiles(planned);
    const manifest = this.#manifest("committed");
    await commit(this.#context, manifest, this.#session.signal);
    return manifest;
  }

  /** Stops and removes everything, and leaves a note of what was finished. Never throws. */
  async fail(error: unknown): Promise<void> {
    const reason = reasonText(error);
    await this.#session.abort(reason);
    await this.sweep(); // first: on a full disk it makes the room for the note
    if (this.hasBegun) await this.#writeFailed({ ...this.#manifest("failed"), error: reason });
  }

  /** Removes what the targets still hold of unfinished objects. Never throws. */
  async sweep(): Promise<void> {
    await this.#closeStreams();
    if (!this.hasBegun) return; // the name may be another run's
    const signal = AbortSignal.timeout(CLEAN_UP_TIMEOUT_MS);
    const { cluster, targets } = this.#context;
    const { scope } = setKeys(cluster, this.#session.ref.run);
    await Promise.allSettled(targets.map(({ target }) => target.sweep(scope, signal)));
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
  ): Promise<StoredStreamRun[]> {
    const { session, context } = { session: this.#session, context: this.#context };
    const streams = planned.map((stream) => {
      const address = addresses.get(stream.name) ?? "";
      const common = { ...context, session, set: session.ref.run, protocol: 1 };
      const targets = context.targets.map(({ config }) => config);
      return new StoredStreamRun({ ...common, targets }, stream, address);
    });
    this.#streams.push(...streams);
    await Promise.all(streams.map((stream) => stream.attached()));
    return streams;
  }

  async #runTools({ tools, streams }: RunPlan): Promise<void> {
    const { limits } = this.#context;
    const byName = new Map(this.#streams.map((stream) => [stream.planned.name, stream]));
    await runLimited(
      tools,
      limits,
      async (tool) => {
        const { stderrTail: _, ...outcome } = await runTool(
          this.#session,
          tool,
          streams,
          this.#context,
        );
        const own = tool.streams.flatMap((name) => byName.get(name) ?? []);
        await Promise.all(own.map((stream) => stream.settle(outcome)));
      },
      this.#session.signal,
    );
    const unclaimed = this.#streams.filter((stream) => stream.receipt === undefined);
    await Promise.all(unclaimed.map((stream) => stream.settle(null)));
  }

  async #collectFiles({ files }: RunPlan): Promise<void> {
    const planned = await planFiles(this.#session, files, this.#context.explain);
    if (planned.length === 0) return;
    const addresses = await this.#prepare(planned, []);
    const streams = await this.#attach(planned, addresses);
    await Promise.all(streams.map((stream) => stream.settle(null)));
  }

  async #closeStreams(): Promise<void> {
    await Promise.all(this.#streams.map((stream) => stream.close()));
  }

  #manifest(status: Manifest["status"]): Manifest {
    const { cluster, plan, producerType: producer } = this.#context;
    const receipts = this.#streams.map((stream) => stream.receipt);
    return {
      formatVersion: 1,
      set: this.#session.ref.run,
      cluster,
      plan,
      producer,
      status,
      startedAt: (this.#startedAt ?? new Date()).toISOString(),
      endedAt: new Date().toISOString(),
      streams: receipts.filter((receipt): receipt is Receipt => receipt !== undefined),
    };
  }

  /** Without it the set counts as failed all the same: it has no manifest. */
  async #writeFailed(failed: Manifest): Promise<void> {
    const { cluster, set } = failed;
    const signal = AbortSignal.timeout(CLEAN_UP_TIMEOUT_MS);
    const key = setKeys(cluster, set).failed;
    await Promise.allSettled(
      this.#context.targets.map(({ target }) =>
        target.putIfAbsent(key, toDocument(failed), signal),
      ),
    );
  }
}
