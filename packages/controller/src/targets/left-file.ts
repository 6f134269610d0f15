import { type FileHandle, rm, stat } from "node:fs/promises";
import { type ByteStream, PenstockError } from "@penstock/common";
import { fromErrno } from "./errno.ts";
import { openRegularFile, readToEnd } from "./file-reader.ts";
import { type FilePlace, FileWriter } from "./file-writer.ts";
import type { LeftObject } from "./target.ts";

/** An unfinished file of an opener that is dead; it lies in our own folder by now. */
export class LeftFile implements LeftObject {
  readonly bytes: number;
  readonly isVisible = false;
  readonly #place: FilePlace;

  private constructor(place: FilePlace, bytes: number) {
    this.#place = place;
    this.bytes = bytes;
  }

  static async open(place: FilePlace): Promise<LeftFile> {
    const { size } = await stat(place.partial);
    return new LeftFile(place, size);
  }

  async *read(signal: AbortSignal): ByteStream {
    try {
      yield* readToEnd(await this.#open(), undefined, signal);
    } catch (error) {
      throw fromErrno(error, `read ${this.#url}`);
    }
  }

  seal(bytes: number, signal: AbortSignal): Promise<FileWriter> {
    return FileWriter.seal(this.#place, bytes, signal);
  }

  async remove(): Promise<void> {
    await rm(this.#place.partial, { force: true });
  }

  async #open(): Promise<FileHandle> {
    const handle = await openRegularFile(this.#place.partial);
    if (handle !== undefined) return handle;
    throw new PenstockError("failed", `read ${this.#url}: what is there is no file`);
  }

  get #url(): string {
    return `${this.#place.url}/${this.#place.key}`;
  }
}
