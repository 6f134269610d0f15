import {
  type CodecName,
  type Manifest,
  PenstockError,
  type Receipt,
  raceAbort,
} from "@penstock/common";
import { Direction } from "@penstock/proto";
import { assertCommitted } from "../catalogue/catalogue.ts";
import { toSetName } from "../catalogue/keys.ts";
import type { DeliverTask } from "../mover/jobs.ts";
import { assertComplete } from "../mover/stored-bytes.ts";
import type { PlannedStream, PlannedTool, RunPlan } from "../producers/producer.ts";
import type { Expected } from "../runs/report.ts";
import { openRunFolder } from "../runs/run-folder.ts";
import { type Attended, attend } from "./attend.ts";
import type { RunContext } from "./context.ts";
import { toExpected } from "./expectation.ts";
import { runLimited } from "./limits.ts";
import type { TellRates } from "./pace-stream.ts";
import { checkAll, type Preparation, prepareAll } from "./prepare.ts";
import { reachAll } from "./reach.ts";
import { reasonText, toRunFailure } from "./run-failure.ts";
import { Session } from "./session.ts";
import { StallWatch } from "./stall-watch.ts";
import { toStreamSpec } from "./stream-specs.ts";
import { together } from "./together.ts";
import { runTool } from "./tool-run.ts";

/**
 * Gives a committed set back to its tools. Before anything is started or made, the set is checked
 * to be there and whole. A consumer sees the end of its input only if all of it was right;
 * otherwise it is killed first. Throws the first failure.
 */
export async function restore(
  context: RunContext,
  source: RunContext["targets"][number],
  manifest: Manifest,
  signal: AbortSignal,
): Promise<void> {
  assertCommitted(manifest);
  const planned = context.producer.planRestore(manifest);
  await together(manifest.streams, (receipt) => assertComplete(source.target, receipt, signal));
  await reachAll(context.agents, context.cluster, signal);
  const run = `restore-${manifest.set}-${toSetName(new Date())}`;
  const session = await Session.open({ ...context, run }, signal);
  await using attended = await attendRestore(context, session, manifest);
  const { report } = attended;
  const restoring = new RestoreRun({ ...context, report }, session, source, manifest);
  let hasBegun = false;
  try {
    await restoring.check(planned);
    hasBegun = true;
    report({
      event: "started",
      run,
      set: manifest.set,
      plan: context.plan,
      startedAt: new Date().toISOString(),
    });
    await restoring.execute(planned);
    await session.release();
    attended.succeeded("restored");
  } catch (thrown) {
    const cause: unknown = session.signal.aborted ? session.signal.reason : thrown;
    const error = hasBegun ? toRunFailure(cause) : cause;
    attended.failed(error);
    await session.abort(reasonText(error));
    throw error;
  }
}

async function attendRestore(
  context: RunContext,
  session: Session,
  manifest: Manifest,
): Promise<Attended> {
  const { set } = manifest;
  const expected = (): Promise<Expected> => Promise.resolve(toExpected(manifest));
  try {
    const folder = await openRunFolder(context, session.ref.run);
    return await attend(context, session, { folder, kind: "restore", set, expected });
  } catch (error) {
    await session.release();
    throw error;
  }
}

class RestoreRun {
  readonly #context: RunContext;
  readonly #session: Session;
  readonly #source: RunContext["targets"][number];
  readonly #receipts: ReadonlyMap<string, Receipt>;
  readonly #delivered = new Map<string, Promise<void>>();
  readonly #tasks = new Map<string, DeliverTask>();

  constructor(
    context: RunContext,
    session: Session,
    source: RunContext["targets"][number],
    manifest: Manifest,
  ) {
    this.#context = context;
    this.#session = session;
    this.#source = source;
    this.#receipts = new Map(manifest.streams.map((receipt) => [receipt.name, receipt]));
  }

  /** Has every agent look at the whole plan. Makes nothing. */
  async check({ streams, tools }: RunPlan): Promise<void> {
    await checkAll(this.#session, this.#toPreparation(streams, tools), this.#context.explain);
  }

  /** Regular files first: tools look for them; then pipes; then the tools. */
  async execute({ streams, tools }: RunPlan): Promise<void> {
    const files = streams.filter((stream) => stream.kind === "file");
    const pipes = streams.filter((stream) => stream.kind !== "file");
    using stalls = this.#watchStalls();
    const filesAt = await this.#prepare(files, tools);
    await this.#attach(files, filesAt, stalls);
    await Promise.all(files.map((file) => this.#deliveryOf(file.name)));
    const pipesAt = await this.#prepare(pipes, tools);
    await this.#attach(pipes, pipesAt, stalls);
    await this.#runTools(tools, pipes, stalls);
    await Promise.all(this.#delivered.values());
  }

  async #prepare(
    planned: readonly PlannedStream[],
    tools: readonly PlannedTool[],
  ): Promise<ReadonlyMap<string, string>> {
    const preparation = this.#toPreparation(planned, tools);
    return await prepareAll(this.#session, preparation, this.#context.explain);
  }

  #toPreparation(planned: readonly PlannedStream[], tools: readonly PlannedTool[]): Preparation {
    const streams = planned.map((stream) => ({
      planned: stream,
      spec: toStreamSpec(stream, Direction.DIRECTION_RESTORE, this.#codecOf(stream)),
    }));
    return { streams, tools };
  }

  async #attach(
    planned: readonly PlannedStream[],
    addresses: ReadonlyMap<string, string>,
    stalls: StallWatch,
  ): Promise<void> {
    // First: a mover begins to send as soon as it is there.
    await this.#context.pace.begin(
      { streams: planned, tell: this.#tellMovers },
      this.#session.signal,
    );
    const attached = planned.map((stream) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const address = addresses.get(stream.name) ?? "";
      const delivered = this.#deliver(stream, address, stalls, resolve);
      this.#session.guardStream(delivered);
      this.#delivered.set(stream.name, delivered);
      return raceAbort(promise, this.#session.signal);
    });
    await Promise.all(attached);
  }

  async #deliver(
    { name, host }: PlannedStream,
    address: string,
    stalls: StallWatch,
    onAttached: () => void,
  ): Promise<void> {
    const { mover, report, pace } = this.#context;
    const { ref, leaseMs, signal } = this.#session;
    const receipt = this.#receiptOf(name);
    const to = {
      host,
      address,
      run: ref.run,
      token: ref.token,
      protocol: 1,
      stream: name,
      patienceMs: leaseMs,
    };
    const task = mover.deliver(
      { to, target: this.#source.config, receipt, rate: pace.rateOf(name) },
      {
        onAttached() {
          stalls.attached(name, host);
          report({ event: "stream", stream: name, host, state: "attached", bytes: 0 });
          onAttached();
        },
        onProgress(bytes) {
          stalls.moved(name);
          report({ event: "stream", stream: name, host, state: "flowing", bytes });
        },
        onWaiting: (waitingFor) => stalls.waiting(name, waitingFor),
        onReconnect: (cause) => report({ event: "reconnect", stream: name, host, cause }),
      },
      signal,
    );
    this.#tasks.set(name, task);
    void this.#session.held(host).streamOpened(name).then(task.begin);
    await task.delivered.finally(() => stalls.finished(name));
    report({ event: "stream", stream: name, host, state: "done", bytes: receipt.bytesStored });
  }

  #watchStalls(): StallWatch {
    return new StallWatch({
      direction: "restore",
      run: this.#session.ref.run,
      timeoutMs: this.#context.stall.restore,
      targets: [this.#source.target.url],
      rateOf: (stream) => this.#context.pace.rateOf(stream),
      fail: (error) => this.#session.fail(error),
    });
  }

  async #runTools(
    tools: readonly PlannedTool[],
    streams: readonly PlannedStream[],
    stalls: StallWatch,
  ): Promise<void> {
    const { limits } = this.#context;
    await runLimited(
      tools,
      limits,
      async (tool) => {
        using _watched = stalls.running(tool.tool, tool.host, tool.streams);
        await runTool(this.#session, tool, streams, this.#context);
        await Promise.all(tool.streams.map((name) => this.#deliveryOf(name)));
      },
      this.#session.signal,
    );
  }

  readonly #tellMovers: TellRates = (_host, rates) => {
    for (const { name, rate } of rates) this.#tasks.get(name)?.setRate(rate);
    return Promise.resolve();
  };

  #deliveryOf(name: string): Promise<void> {
    const delivered = this.#delivered.get(name) ?? Promise.resolve();
    return raceAbort(delivered, this.#session.signal);
  }

  #receiptOf(name: string): Receipt {
    const receipt = this.#receipts.get(name);
    if (receipt === undefined)
      throw new PenstockError("not_found", `the set has no stream ${name}`);
    return receipt;
  }

  #codecOf({ name }: PlannedStream): CodecName {
    return this.#receiptOf(name).codec;
  }
}
