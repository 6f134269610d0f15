import { type ByteStream, raceAbort } from "@penstock/common";
import type { BackupSource } from "./backup-stream.ts";
import { FileReader } from "./file-reader.ts";

/** A regular file that a tool is still to write, as the source of a stream. */
export class LaterFile implements BackupSource {
  readonly opened: Promise<void>;
  readonly #path: string;
  readonly #seen: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #written: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(path: string) {
    this.#path = path;
    this.opened = this.#seen.promise;
  }

  /** The file is what it is going to be: it can be read. */
  toolEnded(): void {
    this.#written.resolve();
  }

  /** The bytes, once, after the tool's end. Throws `not_found` if the tool has not written it. */
  async *chunks(signal: AbortSignal): ByteStream {
    await raceAbort(this.#written.promise, signal);
    await using reader = await FileReader.open(this.#path);
    this.#seen.resolve();
    yield* reader.chunks(signal);
  }

  /** Who wrote the file has ended. */
  async expectNoWriter(): Promise<void> {}

  letEnd(): void {}

  /** `chunks` closes what it has opened. */
  async [Symbol.asyncDispose](): Promise<void> {}
}
