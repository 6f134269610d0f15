import { once } from "node:events";
import { constants } from "node:fs";
import { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { isErrno, PenstockError, toPenstockError } from "@penstock/common";
import { openFifo } from "./fifo.ts";

const FIRST_POLL_MS = 5;
const LONGEST_POLL_MS = 100;

/** As much as a reader may leave in a pipe of 1 MiB after a first look, and the write that waits. */
const FIRST_LOOK_BYTES = 2 * 1024 * 1024;

/**
 * The writing end of a named pipe, for a restore. Takes no thread of the pool.
 *
 * To its consumer our closing is a clean end of the input, whatever the reason. So after a failure
 * upstream keep the writer open, kill the consumer, and only then dispose.
 */
export class FifoWriter implements AsyncDisposable {
  readonly #path: string;
  readonly #socket: Socket;
  #writing = false;
  #writtenBytes = 0;

  private constructor(path: string, fd: number) {
    this.#path = path;
    this.#socket = new Socket({ fd, readable: false, writable: true });
    this.#socket.on("error", () => {}); // told to whoever waits in write()
  }

  /**
   * Opens the pipe as soon as its reader has; there is no event for that, so it is tried again
   * every 5 ms, and with time every `pollMs` (100). Waits until then, or until the signal aborts.
   * Throws `failed` if the pipe is not there, or no pipe. After it the signal has no effect.
   */
  static async open(
    path: string,
    signal: AbortSignal,
    { pollMs = LONGEST_POLL_MS }: { readonly pollMs?: number } = {},
  ): Promise<FifoWriter> {
    try {
      const fd = await openForReader(path, pollMs, signal);
      return new FifoWriter(path, fd);
    } catch (error) {
      signal.throwIfAborted();
      throw toPenstockError(error, `open fifo ${path}`);
    }
  }

  /**
   * Resolves when the bytes are in the pipe, which is not yet read by the consumer; only its exit
   * status says that. One at a time. Throws `failed` if the reader has closed, which is noticed here
   * and not before, or if the writer is disposed meanwhile.
   */
  async write(chunk: Uint8Array): Promise<void> {
    this.#writing = true;
    await new Promise<void>((resolve, reject) => {
      this.#socket.write(chunk, (error) => {
        if (error) reject(this.#failure(error));
        else resolve();
      });
    });
    this.#writing = false;
    this.#writtenBytes += chunk.length;
  }

  /** Closes the pipe: the consumer reads what is in it, and then its end. */
  async end(): Promise<void> {
    if (this.#writing) throw new PenstockError("internal", `fifo ${this.#path} ended in mid-write`);
    await this[Symbol.asyncDispose]();
  }

  /** Closes the pipe, whatever was written. To the consumer this looks like `end`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    if (!this.#socket.closed) await once(this.#socket, "close");
  }

  #failure(error: Error): PenstockError {
    const isGone = isErrno(error, "EPIPE");
    const reason = isGone ? "its reader has closed it" : error.message;
    const hint =
      "a tool that opens its input twice cannot read a pipe: give pg_restore the format, e.g. -Fc";
    return new PenstockError("failed", `write fifo ${this.#path}: ${reason}`, {
      cause: error,
      ...(isGone && this.#writtenBytes < FIRST_LOOK_BYTES ? { hint } : {}),
    });
  }
}

async function openForReader(path: string, pollMs: number, signal: AbortSignal): Promise<number> {
  for (let waitMs = FIRST_POLL_MS; ; waitMs = Math.min(2 * waitMs, pollMs)) {
    signal.throwIfAborted();
    try {
      return openFifo(path, constants.O_WRONLY);
    } catch (error) {
      if (!isErrno(error, "ENXIO")) throw error;
    }
    await pause(waitMs, undefined, { signal });
  }
}
