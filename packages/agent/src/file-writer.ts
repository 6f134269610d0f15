import { createHash, randomBytes } from "node:crypto";
import { type FileHandle, link, open, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isErrno, PenstockError, toPenstockError } from "@penstock/common";
import { absent } from "./absent.ts";
import { syncFolder } from "./durable-file.ts";
import { FileReader } from "./file-reader.ts";
import { canonicalPath, type Made, type MadeRecord } from "./made.ts";

/**
 * A regular file that a restore writes. Nothing is at its path before `end` has returned, and what
 * was there before is never overwritten. Its folder must be there.
 */
export class FileWriter implements AsyncDisposable {
  readonly #path: string;
  readonly #temporary: string;
  readonly #file: FileHandle;
  readonly #record: MadeRecord;

  private constructor(path: string, temporary: string, file: FileHandle, record: MadeRecord) {
    this.#path = path;
    this.#temporary = temporary;
    this.#file = file;
    this.#record = record;
  }

  /** Begins a file with these permission bits. Throws `failed`. */
  static async create(path: string, mode: number, record: MadeRecord): Promise<FileWriter> {
    try {
      const canonical = await canonicalPath(path);
      const name = `.penstock-${randomBytes(8).toString("hex")}.part`;
      const temporary = join(dirname(canonical), name);
      await record.record([{ kind: "temporary", path: temporary }]);
      const file = await open(temporary, "wx", mode);
      await file.chmod(mode); // whatever the umask
      return new FileWriter(canonical, temporary, file, record);
    } catch (error) {
      throw toPenstockError(error, `write file ${path}`);
    }
  }

  /** Appends bytes. One at a time. Throws `failed`, a full disk named as such. */
  async write(chunk: Uint8Array): Promise<void> {
    try {
      for (let offset = 0; offset < chunk.length; ) {
        const { bytesWritten } = await this.#file.write(chunk, offset);
        offset += bytesWritten;
      }
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /**
   * Makes the file durable and visible. If the very same bytes are already at the path, they stay;
   * throws `failed` if anything else is there.
   */
  async end(): Promise<void> {
    try {
      await this.#file.sync();
      await this.#publish();
      await this[Symbol.asyncDispose]();
      await syncFolder(dirname(this.#path));
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** Forgets what was written, unless `end` has made it visible. Repeating it is harmless. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
    await unlink(this.#temporary).catch(absent);
  }

  async #publish(): Promise<void> {
    const { dev, ino } = await this.#file.stat({ bigint: true });
    const made: Made = { kind: "file", path: this.#path, device: `${dev}`, inode: `${ino}` };
    await this.#record.record([made]);
    try {
      await link(this.#temporary, this.#path);
    } catch (error) {
      if (!isErrno(error, "EEXIST")) throw error;
      await this.#record.forget([made]); // its inode number will be another file's
      await this.#assertSame();
    }
  }

  async #assertSame(): Promise<void> {
    if ((await digestOf(this.#path)) === (await digestOf(this.#temporary))) return;
    throw new PenstockError(
      "failed",
      `write file ${this.#path}: a different file is already there`,
    );
  }

  #failure(error: unknown): PenstockError {
    const full = isErrno(error, "ENOSPC") || isErrno(error, "EDQUOT");
    if (!full) return toPenstockError(error, `write file ${this.#path}`);
    return new PenstockError("failed", `write file ${this.#path}: disk full`, { cause: error });
  }
}

async function digestOf(path: string): Promise<string> {
  await using file = await FileReader.open(path);
  const hash = createHash("sha256");
  for await (const chunk of file.chunks(new AbortController().signal)) hash.update(chunk);
  return hash.digest("hex");
}
