import { constants } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { PenstockError, raceAbort } from "@penstock/common";
import { fromErrno } from "./errno.ts";
import { assertKey } from "./keys.ts";
import { publish } from "./publish.ts";
import type { ObjectWriter } from "./target.ts";

/** Dumps may be unencrypted: nothing for the world to read, whatever the umask. */
const FILE_MODE = 0o640;

/** Where one object is while it is written, and where it will be. */
export interface FilePlace {
  readonly root: string;
  /** Of the root, for messages. */
  readonly url: string;
  /** Below the root, and where it is until then. */
  readonly key: string;
  readonly partial: string;
}

/** An object being written to a file that nobody sees. Its `partial` must be a fresh name. */
export class FileWriter implements ObjectWriter {
  readonly #handle: FileHandle;
  readonly #place: FilePlace;
  readonly #signal: AbortSignal;
  readonly #isSealed: boolean;
  #failure: Error | undefined;

  private constructor(
    handle: FileHandle,
    place: FilePlace,
    isSealed: boolean,
    signal: AbortSignal,
  ) {
    this.#handle = handle;
    this.#place = place;
    this.#isSealed = isSealed;
    this.#signal = signal;
  }

  static async open(place: FilePlace, signal: AbortSignal): Promise<FileWriter> {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
    return new FileWriter(await open(place.partial, flags, FILE_MODE), place, false, signal);
  }

  /** For a file that another has written: cut to `bytes`, durable, and takes no more. */
  static async seal(place: FilePlace, bytes: number, signal: AbortSignal): Promise<FileWriter> {
    const handle = await open(place.partial, constants.O_WRONLY);
    try {
      await handle.truncate(bytes);
      await raceAbort(handle.sync(), signal);
      return new FileWriter(handle, place, true, signal);
    } catch (error) {
      await handle.close();
      throw fromErrno(error, `seal ${place.url}/${place.key}`);
    }
  }

  write(chunk: Uint8Array): Promise<void> {
    if (this.#isSealed) return Promise.reject(sealedError(this.#urlOf()));
    return this.#attempt(`write ${this.#urlOf()}`, () =>
      raceAbort(writeFully(this.#handle, chunk), this.#signal),
    );
  }

  flush(): Promise<void> {
    return this.#attempt(`flush ${this.#urlOf()}`, () =>
      raceAbort(this.#handle.datasync(), this.#signal),
    );
  }

  async commit(key: string = this.#place.key): Promise<void> {
    if (await this.commitIfAbsent(key)) return;
    this.#failure = new PenstockError("failed", `commit ${this.#urlOf(key)}: the key is taken`);
    throw this.#failure;
  }

  /** `commit`, but returns false if the key is taken. The caller must still `abort` then. */
  async commitIfAbsent(key: string): Promise<boolean> {
    assertKey(key);
    const what = `commit ${this.#urlOf(key)}`;
    const { partial, root } = this.#place;
    await this.#attempt(what, () => raceAbort(this.#handle.sync(), this.#signal));
    // From here on an abort comes too late: to stop half-way would leave the outcome open.
    return this.#attempt(what, async () => {
      await this.#handle.close();
      return publish(partial, join(root, key), root);
    });
  }

  async abort(): Promise<void> {
    try {
      await rm(this.#place.partial, { force: true });
    } catch (error) {
      throw fromErrno(error, `abort ${this.#urlOf()}`);
    } finally {
      await this.#handle.close();
    }
  }

  /**
   * Remembers the first failure. A second `fdatasync` after a failed one succeeds on Linux, though
   * the pages are lost, and a write after a failed one would leave a hole.
   */
  async #attempt<T>(what: string, step: () => Promise<T>): Promise<T> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      this.#signal.throwIfAborted();
      return await step();
    } catch (error) {
      this.#failure = fromErrno(error, what);
      throw this.#failure;
    }
  }

  #urlOf(key: string = this.#place.key): string {
    return `${this.#place.url}/${key}`;
  }
}

function sealedError(url: string): PenstockError {
  return new PenstockError("internal", `write ${url}: what another has begun takes no more bytes`);
}

/** A write may be short, e.g. just before the disk is full. */
async function writeFully(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let written = 0; written < chunk.length; ) {
    const { bytesWritten } = await handle.write(chunk, written);
    written += bytesWritten;
  }
}
