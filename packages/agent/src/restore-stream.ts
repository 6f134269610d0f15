import {
  AcceptingSource,
  type ByteSink,
  type Channel,
  type CodecName,
  PenstockError,
  Receiver,
  receiveRestore,
  toError,
} from "@penstock/common";
import type { Open, Tally } from "@penstock/proto";
import type { AgentStream } from "./stream.ts";

/** Where the bytes of a restore stream go: a pipe or a file. */
export interface RestoreSink extends ByteSink, AsyncDisposable {
  /** All bytes were right: makes the end visible to whoever reads. */
  end(): Promise<void>;
}

/** Opens the sink, waiting for its reader until the signal aborts. */
export type OpenSink = (signal: AbortSignal) => Promise<RestoreSink>;

/**
 * A stream to the database host. After a failure its pipe stays open until it is disposed of:
 * by then the consumer must be dead, since to it our closing is a clean end.
 */
export class RestoreStream implements AgentStream {
  readonly opened: Promise<void>;
  readonly done: Promise<Tally>;
  readonly #seen: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #calls: AcceptingSource = new AcceptingSource();
  readonly #receiver: Receiver = new Receiver(this.#calls);
  readonly #stop: AbortController = new AbortController();
  #sink: RestoreSink | undefined;

  constructor(codec: CodecName, openSink: OpenSink) {
    this.opened = this.#seen.promise;
    this.done = this.#receive(codec, openSink);
  }

  accept(channel: Channel, open: Open): void {
    this.#calls.offer(channel, open);
  }

  toolEnded(graceMs: number): void {
    const timer = setTimeout(() => {
      if (this.#sink !== undefined) return;
      this.#stop.abort(new PenstockError("failed", "its pipe was never opened by its reader"));
    }, graceMs);
    const done = (): void => clearTimeout(timer);
    this.done.then(done, done);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new PenstockError("failed", "the run has ended"));
    await this.#sink?.[Symbol.asyncDispose](); // ends a write that its consumer does not take
    await Promise.allSettled([this.done]);
  }

  async #receive(codec: CodecName, openSink: OpenSink): Promise<Tally> {
    const { signal } = this.#stop;
    try {
      const attached = await this.#receiver.attach(signal);
      this.#sink = await openSink(signal);
      this.#seen.resolve();
      const tally = await receiveRestore(this.#receiver, attached, codec, this.#sink, signal);
      await this.#sink.end();
      void this.#finish(signal);
      return tally;
    } catch (error) {
      this.#receiver.abandon(toError(error));
      throw error;
    }
  }

  /** Tells the mover, and tells it again if it comes back because it did not hear. */
  async #finish(signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        await this.#receiver.finish(signal).catch(() => {}); // it broke: the mover will be back
        await this.#receiver.attach(signal);
      }
    } catch {
      // The run has ended.
    }
  }
}
