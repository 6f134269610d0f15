import { hasCode, type PenstockError, type Receipt, systemClock } from "@penstock/common";
import type { DeliverTask, Mover, RawRange } from "../mover/jobs.ts";
import type { PlannedStream } from "../producers/producer.ts";
import type { Reporter, StreamState } from "../runs/report.ts";
import type { TargetConfig } from "../targets/targets.ts";
import type { RunPace } from "./pace.ts";
import type { Session } from "./session.ts";
import type { StallWatch } from "./stall-watch.ts";

/**
 * How long the host's word on a broken stream may take, if its events arrive: if it has none, the fault
 * is ours. Longer than a busy process may stand still: a restore that is right would fail.
 */
const HOST_WORD_MS = 10_000;

/** What all deliveries of a run have in common. */
export interface DeliveryContext {
  readonly session: Session;
  readonly mover: Mover;
  readonly target: TargetConfig;
  readonly pace: RunPace;
  readonly stalls: StallWatch;
  readonly report: Reporter;
}

/** What is delivered. */
export interface Delivered {
  readonly receipt: Receipt;
  readonly ranges: readonly RawRange[];
  /** Where the agent serves it. */
  readonly address: string;
}

/**
 * One stored stream on its way to a plugin process. A process may leave when it has enough, or because
 * its reader is gone: that is for its tool to judge. Anything else that goes wrong is the run's failure.
 */
export class PluginDelivery {
  /** Resolves when nothing moves any more. */
  readonly settled: Promise<void>;
  readonly #context: DeliveryContext;
  readonly #planned: PlannedStream;
  readonly #task: DeliverTask;
  readonly #left: PromiseWithResolvers<PenstockError> = Promise.withResolvers();
  #bytes = 0;

  /** Gives the stream its mover. */
  constructor(context: DeliveryContext, planned: PlannedStream, delivered: Delivered) {
    const { session, mover, target, stalls, pace } = context;
    const { host, name } = planned;
    const { address, receipt, ranges } = delivered;
    this.#context = context;
    this.#planned = planned;
    session.tolerate(name, (error) => this.#left.resolve(error));
    const place = { host, address, stream: name, ...session.ref, protocol: 1 };
    this.#task = mover.deliver(
      {
        to: { ...place, patienceMs: session.leaseMs },
        ...{ target, receipt, ranges, rate: pace.rateOf(name) },
      },
      {
        onAttached: () => {
          stalls.attached(name, host);
          this.#tell("attached");
        },
        onProgress: (bytes) => {
          stalls.moved(name);
          this.#bytes = bytes;
          this.#tell("flowing");
        },
        onWaiting: (waitingFor) => stalls.waiting(name, waitingFor),
        onReconnect: (cause) => context.report({ event: "reconnect", stream: name, host, cause }),
      },
      session.signal,
    );
    this.#task.begin(); // its process is there
    this.settled = this.#deliver(bytesOf(delivered));
  }

  /** See DeliverTask. */
  setRate(rate: number | undefined): void {
    this.#task.setRate(rate);
  }

  async #deliver(bytes: number): Promise<void> {
    const { session, stalls } = this.#context;
    try {
      await this.#task.delivered;
      this.#bytes = bytes;
      this.#tell("done");
    } catch (error) {
      this.#tell("failed");
      const isOurs = hasCode(error, "damaged") || !(await this.#hasLeft());
      if (isOurs) session.fail(error);
    } finally {
      stalls.finished(this.#planned.name);
    }
  }

  /** The host says that its process has gone. */
  async #hasLeft(): Promise<boolean> {
    const { signal, leaseMs } = this.#context.session;
    const { isCutOff } = this.#context.session.held(this.#planned.host);
    const limit = systemClock.delay(isCutOff ? leaseMs : HOST_WORD_MS, signal).then(
      () => false,
      () => true, // the run has ended: it needs no other reason
    );
    return await Promise.race([this.#left.promise.then(() => true), limit]);
  }

  #tell(state: StreamState): void {
    const { name: stream, host } = this.#planned;
    this.#context.report({ event: "stream", stream, host, state, bytes: this.#bytes });
  }
}

/** What it comes to in the end. */
function bytesOf({ receipt, ranges }: Delivered): number {
  if (ranges.length === 0) return receipt.bytesStored;
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0);
}
