import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import {
  BlockFiller,
  type ByteStream,
  isErrno,
  PenstockError,
  toPenstockError,
} from "@penstock/common";

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/** A regular file as the source of a stream. Holds one block of memory. */
export class FileReader implements AsyncDisposable {
  /** When it was opened. */
  readonly sizeBytes: number;
  /** When it was last written before that, Unix time. */
  readonly modifiedMs: number;
  /** There is nobody to wait for. */
  readonly opened: Promise<void> = Promise.resolve();
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #modifiedNs: bigint;

  private constructor(path: string, file: FileHandle, sizeBytes: bigint, modifiedNs: bigint) {
    this.#path = path;
    this.#file = file;
    this.sizeBytes = Number(sizeBytes);
    this.#modifiedNs = modifiedNs;
    this.modifiedMs = Number(modifiedNs / 1_000_000n);
  }

  /** Throws `not_found`, or `failed` if it cannot be read, is a symbolic link or no regular file. */
  static async open(path: string): Promise<FileReader> {
    // Without O_NONBLOCK a named pipe at this path would hold a thread of the pool.
    const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error: unknown) => {
      throw openFailure(path, error);
    });
    const found = await file.stat({ bigint: true });
    if (found.isFile()) return new FileReader(path, file, found.size, found.mtimeNs);
    await file.close();
    throw new PenstockError("failed", `read file ${path}: not a regular file`);
  }

  /** The bytes, once. Throws `failed` at the end if the file has changed meanwhile. */
  async *chunks(signal: AbortSignal): ByteStream {
    using space = new BlockFiller();
    let readBytes = 0;
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await this.#read(space.room());
      if (bytesRead === 0) break;
      readBytes += bytesRead;
      yield space.take(bytesRead);
    }
    await this.#assertUnchanged(readBytes);
  }

  /** A file has no writer: its end is where it ends. */
  async expectNoWriter(): Promise<void> {}

  letEnd(): void {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }

  async #read(room: Buffer): Promise<{ bytesRead: number }> {
    try {
      return await this.#file.read(room);
    } catch (error) {
      throw toPenstockError(error, `read file ${this.#path}`);
    }
  }

  async #assertUnchanged(readBytes: number): Promise<void> {
    const { size, mtimeNs } = await this.#file.stat({ bigint: true });
    const sizes = [this.sizeBytes, readBytes, Number(size)];
    if (new Set(sizes).size === 1 && mtimeNs === this.#modifiedNs) return;
    throw new PenstockError("failed", `file ${this.#path} changed while it was read`);
  }
}

function openFailure(path: string, error: unknown): PenstockError {
  if (isErrno(error, "ENOENT")) {
    return new PenstockError("not_found", `file ${path} is not there`, { cause: error });
  }
  const symlink = new PenstockError("failed", `read file ${path}: is a symbolic link`, {
    cause: error,
  });
  return isErrno(error, "ELOOP") ? symlink : toPenstockError(error, `read file ${path}`);
}
