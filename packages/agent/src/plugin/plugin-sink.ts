import { PenstockError, raceAbort } from "@penstock/common";
import type { RestoreSink } from "../restore-stream.ts";
import { FRAME } from "./frames.ts";
import type { Words } from "./plugin-connection.ts";
import type { PluginJob } from "./plugin-job.ts";

/**
 * A plugin process as the sink of a stream. It hears an end only when every byte was right; closing its
 * connection without one is a failure to it. It may be blocked for ever in what it writes to, so that
 * nothing here is waited for longer than until the signal aborts.
 */
export class PluginSink implements RestoreSink {
  readonly #job: PluginJob;
  readonly #signal: AbortSignal;
  /** What the process says: that it has it all, that it cannot go on, or nothing more. */
  readonly #answer: Promise<Words | undefined>;
  #bytes = 0;

  constructor(job: PluginJob, signal: AbortSignal) {
    this.#job = job;
    this.#signal = signal;
    this.#answer = this.#hear();
  }

  /** Resolves when the process will take more. Throws `failed` if it is gone. */
  async write(chunk: Uint8Array): Promise<void> {
    await this.#orGone(this.#job.connection.send(chunk));
    this.#bytes += chunk.length;
  }

  /** Resolves when the process has said that it has written all. Throws `failed` if it has not. */
  async end(): Promise<void> {
    this.#assertWanted();
    await this.#orGone(this.#job.connection.sendEnd(this.#bytes));
    const words = await raceAbort(this.#answer, this.#signal);
    if (words?.type !== FRAME.ok) throw this.#job.failure(words, this.#place);
    this.#job.finish();
  }

  /** The connection is the run's. */
  async [Symbol.asyncDispose](): Promise<void> {}

  async #hear(): Promise<Words | undefined> {
    try {
      const header = await this.#job.connection.header();
      return header && (await this.#job.connection.words(header));
    } catch {
      return undefined;
    }
  }

  /** Of ranges it is known before how much they are. */
  #assertWanted(): void {
    const { ranges } = this.#job;
    const wanted = ranges.reduce((sum, { start, end }) => sum + end - start, 0);
    if (ranges.length === 0 || wanted === this.#bytes) return;
    throw new PenstockError("damaged", `${wanted} bytes were wanted, and ${this.#bytes} have come`);
  }

  /** Who does not take more may have said why before it went. */
  async #orGone(sent: Promise<void>): Promise<void> {
    try {
      await raceAbort(sent, this.#signal);
    } catch (cause) {
      this.#signal.throwIfAborted();
      const words = await raceAbort(this.#answer, this.#signal);
      throw this.#job.failure(words, this.#place, cause);
    }
  }

  get #place(): string {
    return `after it got ${this.#bytes} bytes`;
  }
}
