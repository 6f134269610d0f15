import { type Manifest, PenstockError, type Receipt } from "@penstock/common";
import { Direction } from "@penstock/proto";
import type { PlannedStream, PlannedTool, RunPlan } from "../producers/producer.ts";
import type { RunContext } from "./context.ts";
import { type DeliverContext, DeliveredStreamRun } from "./delivered-streams.ts";
import type { ToolEnd } from "./held-run.ts";
import { runLimited } from "./limits.ts";
import type { TellRates } from "./pace-stream.ts";
import { checkAll, type Preparation, prepareAll } from "./prepare.ts";
import { checkProof, prove, type ToolEnds } from "./prove.ts";
import { serveRestore } from "./serve-plugin.ts";
import type { Session } from "./session.ts";
import type { StallWatch } from "./stall-watch.ts";
import { toStreamSpec } from "./stream-specs.ts";
import { runTool } from "./tool-run.ts";
import { watchStalls } from "./watch-stalls.ts";

/** What a restore is made of. */
export interface RestoreParts {
  readonly context: RunContext;
  readonly session: Session;
  /** Where the set is read. */
  readonly source: RunContext["targets"][number];
  readonly manifest: Manifest;
}

/** The state of one restore. */
export class RestoreRun {
  readonly #context: RunContext;
  readonly #session: Session;
  readonly #source: RunContext["targets"][number];
  readonly #receipts: ReadonlyMap<string, Receipt>;
  readonly #streams = new Map<string, DeliveredStreamRun>();

  constructor({ context, session, source, manifest }: RestoreParts) {
    this.#context = context;
    this.#session = session;
    this.#source = source;
    this.#receipts = new Map(manifest.streams.map((receipt) => [receipt.name, receipt]));
  }

  /** Has every agent look at the whole plan. Makes nothing. */
  async check(planned: RunPlan): Promise<void> {
    const preparation = this.#toPreparation(planned, planned.streams);
    await checkAll(this.#session, preparation, this.#context.explain);
    await checkProof(this.#session, planned);
  }

  /** Regular files first: tools look for them; then pipes; then the tools. Returns their warnings. */
  async execute(planned: RunPlan): Promise<readonly string[]> {
    const { streams } = planned;
    const context = { ...this.#context, targets: [this.#source] };
    using stalls = watchStalls(context, this.#session, "restore");
    const files = streams.filter((stream) => stream.kind === "file");
    await this.#attach(planned, files, stalls);
    await Promise.all(files.map((file) => this.#delivered(file.name)));
    const pipes = streams.filter((stream) => stream.kind !== "file");
    await this.#attach(planned, pipes, stalls);
    const ends = await this.#drive(planned, pipes, stalls);
    await Promise.all([...this.#streams.values()].map((stream) => stream.delivered()));
    return await prove(this.#session, planned, { ends, found: [] }, this.#context);
  }

  #toPreparation({ tools, strays }: RunPlan, planned: readonly PlannedStream[]): Preparation {
    const streams = planned.map((stream) => ({
      planned: stream,
      spec: toStreamSpec(stream, Direction.DIRECTION_RESTORE, this.#receiptOf(stream.name).codec),
    }));
    return { streams, tools, ...(strays && { strays }) };
  }

  /** Prepares these, and gives each its mover; resolves when all are attached. */
  async #attach(
    plan: RunPlan,
    planned: readonly PlannedStream[],
    stalls: StallWatch,
  ): Promise<void> {
    const { mover, report, pace, explain } = this.#context;
    const session = this.#session;
    const addresses = await prepareAll(session, this.#toPreparation(plan, planned), explain);
    // First: a mover begins to send as soon as it is there.
    await pace.begin({ streams: planned, tell: this.#tellMovers }, session.signal);
    const target = this.#source.config;
    const common: DeliverContext = { session, mover, protocol: 1, target, pace, stalls, report };
    const streams = planned.map((stream) => {
      const { name } = stream;
      const address = addresses.get(name) ?? "";
      return new DeliveredStreamRun(common, stream, this.#receiptOf(name), address);
    });
    for (const stream of streams) this.#streams.set(stream.planned.name, stream);
    await Promise.all(streams.map((stream) => stream.attached()));
  }

  /** Has the tools run to their ends, and serves their plugin processes. */
  async #drive(
    planned: RunPlan,
    streams: readonly PlannedStream[],
    stalls: StallWatch,
  ): Promise<ToolEnds> {
    const { plugin } = planned;
    if (plugin === undefined) return await this.#runTools(planned.tools, streams, { stalls });
    const own = { context: this.#context, session: this.#session, sources: [this.#source] };
    return await serveRestore(
      { ...own, stalls, receipts: [...this.#receipts.values()] },
      { ...planned, plugin },
      ({ tools }, names) => this.#runTools(tools, streams, { stalls, names }),
    );
  }

  /** `names` are those of streams that nobody has planned. */
  async #runTools(
    tools: readonly PlannedTool[],
    streams: readonly PlannedStream[],
    { stalls, names }: { stalls: StallWatch; names?: ReadonlySet<string> },
  ): Promise<ToolEnds> {
    const ends = new Map<string, ToolEnd>();
    const run = async (tool: PlannedTool): Promise<void> => {
      using _watched = stalls.running(tool.tool, tool.host, names ?? tool.streams);
      const context = { ...this.#context, stalls };
      ends.set(tool.id, await runTool(this.#session, tool, streams, context));
      await Promise.all(tool.streams.map((name) => this.#delivered(name)));
    };
    await runLimited(tools, this.#context.limits, run, this.#session.signal);
    return ends;
  }

  readonly #tellMovers: TellRates = (_host, rates) => {
    for (const { name, rate } of rates) this.#streams.get(name)?.setRate(rate);
    return Promise.resolve();
  };

  async #delivered(name: string): Promise<void> {
    await this.#streams.get(name)?.delivered();
  }

  #receiptOf(name: string): Receipt {
    const receipt = this.#receipts.get(name);
    if (receipt !== undefined) return receipt;
    throw new PenstockError("not_found", `the set has no stream ${name}`);
  }
}
