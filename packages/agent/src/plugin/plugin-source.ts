import { BlockFiller, type ByteStream, PenstockError } from "@penstock/common";
import type { BackupSource } from "../backup-stream.ts";
import { FRAME, type FrameHeader } from "./frames.ts";
import type { PluginJob } from "./plugin-job.ts";

/**
 * What a plugin process hands over, as the source of a stream. Only its explicit end is one: a process
 * that is killed has failed. Holds one block of memory.
 */
export class PluginSource implements BackupSource {
  /** The process is there. */
  readonly opened: Promise<void> = Promise.resolve();
  readonly #job: PluginJob;
  #bytes = 0;

  constructor(job: PluginJob) {
    this.#job = job;
  }

  /** The bytes, once. Throws `failed` unless the process says how many there were, and is right. */
  async *chunks(signal: AbortSignal): ByteStream {
    using space = new BlockFiller();
    for (;;) {
      signal.throwIfAborted();
      const header = await this.#header();
      if (header.type !== FRAME.data) return await this.#end(header);
      yield* this.#payload(header, space);
    }
  }

  /** It has been there all the time. */
  async expectNoWriter(): Promise<void> {}

  letEnd(): void {}

  /** The connection is the run's. */
  async [Symbol.asyncDispose](): Promise<void> {}

  async *#payload({ length }: FrameHeader, space: BlockFiller): ByteStream {
    for (let rest = length; rest > 0; ) {
      const room = space.room();
      const read = await this.#job.connection.read(room.subarray(0, rest));
      if (read === 0) throw this.#gone();
      rest -= read;
      this.#bytes += read;
      yield space.take(read);
    }
  }

  async #header(): Promise<FrameHeader> {
    const header = await this.#job.connection.header();
    if (header === undefined) throw this.#gone();
    return header;
  }

  async #end(header: FrameHeader): Promise<void> {
    const words = await this.#job.connection.words(header);
    if (words?.type !== FRAME.end || words.payload.length !== 8) {
      throw this.#job.failure(words, this.#place);
    }
    const promised = words.payload.readBigUInt64BE();
    if (promised === BigInt(this.#bytes)) return;
    const message = `${this.#job.process} has sent ${this.#bytes} bytes and says ${promised}`;
    throw new PenstockError("damaged", message);
  }

  #gone(): PenstockError {
    return this.#job.failure(undefined, this.#place);
  }

  get #place(): string {
    return `after ${this.#bytes} bytes`;
  }
}
