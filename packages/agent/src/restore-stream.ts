import {
  AcceptingSource,
  type ByteSink,
  type Channel,
  type Clock,
  type CodecName,
  formatDuration,
  PenstockError,
  Receiver,
  raceAbort,
  receiveRestore,
  systemClock,
  toError,
} from "@penstock/common";
import type { Open, Tally } from "@penstock/proto";
import type { AgentStream, Moved } from "./stream.ts";
import { startToolGrace } from "./tool-grace.ts";

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
  /** The mover sends, and has it. */
  readonly pace = undefined;
  readonly #seen: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #calls: AcceptingSource;
  readonly #receiver: Receiver;
  readonly #stop: AbortController = new AbortController();
  #sink: RestoreSink | undefined;
  /** Since when an open or a write is waiting for the reader; undefined while none does. */
  #waitingSinceMs: number | undefined;
  #rawBytes = 0;

  constructor(codec: CodecName, openSink: OpenSink, clock: Clock = systemClock) {
    const isWaitingForTool = (): boolean => this.#waitingSinceMs !== undefined;
    const placeFor = (): number => this.#receiver.receivedBytes;
    this.#calls = new AcceptingSource(placeFor, clock, isWaitingForTool);
    this.#receiver = new Receiver(this.#calls);
    this.opened = this.#seen.promise;
    this.done = this.#receive(codec, openSink);
  }

  get moved(): Moved {
    return {
      rawBytes: this.#rawBytes,
      storedBytes: this.#receiver.receivedBytes,
      ...{ heldBytes: 0, limitBytes: 0 }, // the mover has the buffer
    };
  }

  accept(channel: Channel, open: Open): void {
    this.#calls.offer(channel, open, this.#stop.signal);
  }

  letEnd(): void {}

  toolEnded(graceMs: number): void {
    const waitingSinceMs = (): number | undefined => this.#waitingSinceMs;
    const giveUp = (): void => this.#giveUp(graceMs);
    const grace = startToolGrace({ graceMs, waitingSinceMs }, giveUp, this.#stop.signal);
    const done = (): void => grace[Symbol.dispose]();
    this.done.then(done, done);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new PenstockError("failed", "the run has ended"));
    await Promise.allSettled([this.done]);
    await this.#sink?.[Symbol.asyncDispose]();
  }

  async #receive(codec: CodecName, openSink: OpenSink): Promise<Tally> {
    const { signal } = this.#stop;
    try {
      const attached = await this.#receiver.attach(signal);
      this.#sink = await this.#waiting(openSink(signal));
      this.#seen.resolve();
      const watched = this.#watched(this.#sink, signal);
      const tally = await receiveRestore(this.#receiver, attached, codec, watched, signal);
      await this.#sink.end();
      void this.#finish(signal);
      return tally;
    } catch (error) {
      this.#receiver.abandon(toError(error));
      this.#calls.fail(toError(error));
      throw error;
    }
  }

  /** Ends with the signal: a reader that does not read must not hold up the end of the run. */
  #watched(sink: RestoreSink, signal: AbortSignal): ByteSink {
    return {
      write: async (chunk) => {
        await this.#waiting(raceAbort(sink.write(chunk), signal));
        this.#rawBytes += chunk.length;
      },
    };
  }

  async #waiting<T>(reader: Promise<T>): Promise<T> {
    this.#waitingSinceMs = performance.now();
    try {
      return await reader;
    } finally {
      this.#waitingSinceMs = undefined;
    }
  }

  /** The tool is gone and nothing was read for the whole grace. */
  #giveUp(graceMs: number): void {
    const rest = `its pipe is still not read to its end ${formatDuration(graceMs)} after its tool has ended`;
    const error =
      this.#sink === undefined
        ? new PenstockError("not_found", "its pipe was never opened by its reader")
        : new PenstockError("failed", rest);
    this.#stop.abort(error);
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
