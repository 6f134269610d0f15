import { hasCode, type Receipt, raceAbort } from "@penstock/common";
import type { DeliverTask, Mover } from "../mover/jobs.ts";
import type { PlannedStream } from "../producers/producer.ts";
import type { Reporter, StreamState } from "../runs/report.ts";
import type { TargetConfig } from "../targets/targets.ts";
import type { RunPace } from "./pace.ts";
import type { Session } from "./session.ts";
import type { StallWatch } from "./stall-watch.ts";
import { watchStream } from "./watch-stalls.ts";

/** What all streams of a restore have in common. */
export interface DeliverContext {
  readonly session: Session;
  readonly mover: Mover;
  readonly protocol: number;
  readonly target: TargetConfig;
  readonly pace: RunPace;
  readonly stalls: StallWatch;
  readonly report: Reporter;
}

/** One stored stream, on its way to its consumer. */
export class DeliveredStreamRun {
  readonly planned: PlannedStream;
  readonly #context: DeliverContext;
  readonly #task: DeliverTask;
  readonly #attached = Promise.withResolvers<void>();
  readonly #delivered: Promise<void>;

  /** Gives the stream its mover; `address` is where its agent serves it. */
  constructor(context: DeliverContext, planned: PlannedStream, receipt: Receipt, address: string) {
    const { session, mover, stalls, target, pace, protocol } = context;
    const { name, host } = planned;
    this.#context = context;
    this.planned = planned;
    const place = { host, address, stream: name, ...session.ref };
    this.#task = mover.deliver(
      {
        to: { ...place, protocol, patienceMs: session.leaseMs },
        ...{ target, receipt, rate: pace.rateOf(name) },
      },
      {
        onAttached: () => {
          watchStream(stalls, session, planned);
          this.#tell("attached", 0);
          this.#attached.resolve();
        },
        onProgress: (bytes) => {
          stalls.moved(name);
          this.#tell("flowing", bytes);
        },
        onWaiting: (waitingFor) => stalls.waiting(name, waitingFor),
        onReconnect: (cause) => context.report({ event: "reconnect", stream: name, host, cause }),
      },
      session.signal,
    );
    void session.held(host).streamOpened(name).then(this.#task.begin);
    this.#delivered = this.#deliver(receipt);
    if (!planned.required) session.allowMissing(name);
    session.guardStream(this.#delivered);
  }

  /** Resolves once bytes could flow. */
  attached(): Promise<void> {
    return raceAbort(this.#attached.promise, this.#context.session.signal);
  }

  /** Resolves when all of it was taken; of an optional stream also when nobody wanted it. */
  delivered(): Promise<void> {
    return raceAbort(this.#delivered, this.#context.session.signal);
  }

  /** See DeliverTask. */
  setRate(rate: number | undefined): void {
    this.#task.setRate(rate);
  }

  async #deliver({ bytesStored }: Receipt): Promise<void> {
    const { name, required } = this.planned;
    const { session, stalls } = this.#context;
    try {
      await Promise.race([this.#task.delivered, session.whenMissing(name)]);
      this.#tell("done", bytesStored);
    } catch (error) {
      if (required || !hasCode(error, "not_found")) throw error;
      this.#tell("absent", 0);
    } finally {
      stalls.finished(name);
    }
  }

  #tell(state: StreamState, bytes: number): void {
    const { name: stream, host } = this.planned;
    this.#context.report({ event: "stream", stream, host, state, bytes });
  }
}
