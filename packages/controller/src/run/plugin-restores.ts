import {
  hasCode,
  type Manifest,
  PenstockError,
  type Receipt,
  raceAbort,
  systemClock,
  toError,
} from "@penstock/common";
import { Direction, type PluginRequest } from "@penstock/proto";
import type { FoundSet } from "../catalogue/catalogue.ts";
import { findByStream } from "../catalogue/find-by-stream.ts";
import { assertWithin } from "../mover/ranged-bytes.ts";
import type { PlannedStream, PluginUse } from "../producers/producer.ts";
import { assertAllComplete } from "./all-complete.ts";
import type { RunContext, ToolClient } from "./context.ts";
import type { TellRates } from "./pace-stream.ts";
import { type DeliveryContext, PluginDelivery } from "./plugin-delivery.ts";
import { preparePluginStream, prepareStray } from "./plugin-prepare.ts";
import type { Session } from "./session.ts";
import type { StallWatch } from "./stall-watch.ts";
import { storedText } from "./stored-text.ts";
import { toPluginSpec } from "./stream-specs.ts";

/** What gives plugin processes what they want. */
export interface PluginRestoresParts {
  readonly context: RunContext;
  readonly session: Session;
  readonly use: PluginUse;
  /** Where sets are looked for. */
  readonly sources: RunContext["targets"];
  readonly stalls: StallWatch;
  /** Gets the names of the streams: each has one of its own, since many may want the same. */
  readonly names: Set<string>;
}

type Source = FoundSet<RunContext["targets"][number]> & {
  readonly receipts: ReadonlyMap<string, Receipt>;
};

/** What plugin processes want: streams of this set, or of any other of the same producer. */
export class PluginRestores {
  readonly #parts: PluginRestoresParts;
  /** By the set's sign. */
  readonly #sources: Map<string, Promise<Source | undefined>> = new Map();
  readonly #deliveries: Map<string, PluginDelivery> = new Map();
  #asked = 0;
  #strays: Promise<void> | undefined;

  constructor(parts: PluginRestoresParts) {
    this.#parts = parts;
  }

  /**
   * Serves until a tool that is not ours has gone, or, if that cannot be seen, has wanted nothing for
   * as long as a restore may stand still. Throws `failed` if it goes and leaves processes behind.
   */
  async outlast({ tool, host, gone }: ToolClient): Promise<void> {
    const { context, session } = this.#parts;
    if (gone === undefined) {
      await this.#idle(context.stall.restore);
      return;
    }
    await raceAbort(gone, session.signal);
    if (this.#deliveries.size === 0) return;
    const grace = systemClock.delay(context.graceMs, session.signal);
    await Promise.race([
      Promise.all([...this.#deliveries.values()].map((each) => each.settled)),
      grace,
    ]);
    if (this.#deliveries.size === 0) return;
    const [left] = this.#deliveries.keys();
    const message = `${tool} on ${host} has gone, and stream ${left} is not read to its end`;
    throw new PenstockError("failed", message);
  }

  /** Resolves when nothing was under way or asked for all that time. */
  async #idle(forMs: number): Promise<void> {
    for (let seen = -1; seen !== this.#asked || this.#deliveries.size > 0; ) {
      seen = this.#asked;
      await systemClock.delay(forMs, this.#parts.session.signal);
    }
  }

  /**
   * Throws unless every set that these streams of one need is there and whole: `not_found`, `damaged`. A tool
   * that has dropped or made something cannot be told so any more.
   */
  async assertWhole(streams: readonly Receipt[]): Promise<void> {
    const { use, sources, session } = this.#parts;
    const evidence = streams.filter(({ path }) => use.parse(path).isEvidence);
    for (const receipt of evidence) {
      const { sign: own } = use.parse(receipt.path);
      const text = await storedText({ targets: sources }, receipt, session.signal);
      const others = use.needs(text).filter((sign) => sign !== own);
      for (const sign of new Set(others)) {
        const { manifest, target } = await this.#findSet(sign);
        await assertAllComplete(target.target, manifest.streams, session.signal);
      }
    }
  }

  /** Serves a process. What it cannot have it is told; what is damaged ends the run. Never throws. */
  async serve(host: string, request: PluginRequest): Promise<void> {
    const { session } = this.#parts;
    this.#asked += 1;
    try {
      await this.#deliver(host, request);
    } catch (error) {
      if (hasCode(error, "damaged")) session.fail(error);
      const answer = { ref: session.ref, id: request.id, error: toError(error).message };
      await session
        .held(host)
        .call((agent) => agent.answerPlugin(answer, session.signal), session.signal)
        .catch(() => {}); // the run has ended, and so has the process
    }
  }

  async #deliver(host: string, { id, key, ranges }: PluginRequest): Promise<void> {
    const { session, use, context, stalls, names } = this.#parts;
    const { stream, sign } = use.parse(key);
    const { receipt, target } = await this.#find(stream, sign);
    this.#strays ??= prepareStray(session, use.strayOf(sign));
    await this.#strays;
    const wanted = ranges.map(({ start, end }) => ({ start: Number(start), end: Number(end) }));
    assertWithin(receipt, wanted);
    const planned: PlannedStream = {
      ...{ name: `${host}.${id}.${stream}`, host, kind: "plugin", path: key },
      ...{ required: true, origin: [] },
    };
    names.add(planned.name);
    const codec = wanted.length === 0 ? receipt.codec : "none";
    const direction = Direction.DIRECTION_RESTORE;
    const spec = toPluginSpec(planned, { direction, codec, id, answerLater: false });
    const address = await preparePluginStream(session, host, spec);
    await context.pace.begin({ streams: [planned], tell: this.#tellMovers }, session.signal);
    const common: DeliveryContext = { ...context, session, stalls, target: target.config };
    const delivery = new PluginDelivery(common, planned, { receipt, ranges: wanted, address });
    this.#deliveries.set(planned.name, delivery);
    void delivery.settled.then(() => this.#deliveries.delete(planned.name));
  }

  async #find(
    stream: string,
    sign: string,
  ): Promise<{ receipt: Receipt; target: Source["target"] }> {
    const source = await this.#findSet(sign);
    const receipt = source.receipts.get(stream);
    if (receipt !== undefined) return { receipt, target: source.target };
    throw new PenstockError("not_found", `set ${source.manifest.set} has no stream ${stream}`);
  }

  async #findSet(sign: string): Promise<Source> {
    const known = this.#sources.get(sign) ?? this.#look(sign);
    this.#sources.set(sign, known);
    known.catch(() => this.#sources.delete(sign)); // whoever asks next may be luckier
    const source = await known;
    if (source !== undefined) return source;
    const { cluster } = this.#parts.context;
    throw new PenstockError("not_found", `no committed set of cluster ${cluster} has ${sign}`);
  }

  async #look(sign: string): Promise<Source | undefined> {
    const { context, sources, session } = this.#parts;
    const { cluster, producerType: producer } = context;
    const wanted = { cluster, producer, stream: sign };
    const found = await findByStream(sources, wanted, session.signal);
    return found && { ...found, receipts: byName(found.manifest) };
  }

  readonly #tellMovers: TellRates = (_host, rates) => {
    for (const { name, rate } of rates) this.#deliveries.get(name)?.setRate(rate);
    return Promise.resolve();
  };
}

function byName({ streams }: Manifest): ReadonlyMap<string, Receipt> {
  return new Map(streams.map((receipt) => [receipt.name, receipt]));
}
