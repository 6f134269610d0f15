import { once } from "node:events";
import { closeSync, constants, lstatSync, readSync } from "node:fs";
import { Socket } from "node:net";
import { setImmediate as loopTurn } from "node:timers/promises";
import {
  Block,
  BlockFiller,
  type ByteStream,
  HEADROOM_BYTES,
  isErrno,
  PenstockError,
  raceAbort,
  toPenstockError,
} from "@penstock/common";
import { openFifo } from "./fifo.ts";
import { growPipe } from "./grow-pipe.ts";

/**
 * The reading end of a named pipe, for a backup. Waiting costs no CPU and no thread of the pool.
 *
 * One reader is one stream: it ends when the last writer has closed, and that end proves nothing,
 * since a killed tool looks the same. Holds one block of memory, and reads one chunk ahead of its
 * consumer; while nobody pulls the tool feels back-pressure.
 *
 * A pipe that is held open has a writing end of our own until `letEnd`: its writers may come and go, and
 * none of them gets EPIPE between two others.
 */
export class FifoReader implements AsyncDisposable {
  /** Resolves when a writer was seen: at its first byte or its end. An open alone cannot be seen. */
  readonly opened: Promise<void>;
  readonly #path: string;
  readonly #fd: number;
  /** Our writing end of a pipe that is held open. */
  #heldFd: number | undefined;
  readonly #isHeldOpen: boolean;
  /** Gone once it is closed: it would keep the memory of its last read. */
  #socket: Socket | undefined;
  readonly #space: BlockFiller = new BlockFiller();
  readonly #ready: Uint8Array[] = [];
  readonly #seen: PromiseWithResolvers<void> = Promise.withResolvers();
  #state: "untouched" | "flowing" | "ended" | PenstockError = "untouched";
  #changed: PromiseWithResolvers<void> = Promise.withResolvers();

  private constructor(path: string, fd: number, heldFd: number | undefined) {
    this.#path = path;
    this.#fd = fd;
    this.#heldFd = heldFd;
    this.#isHeldOpen = heldFd !== undefined;
    this.opened = this.#seen.promise;
    const onread = {
      buffer: (): Buffer => this.#space.room(),
      callback: (sizeBytes: number): boolean => this.#deliver(this.#space.take(sizeBytes)),
    };
    const socket = new Socket({ fd, readable: true, writable: false, onread });
    socket.once("end", () => this.#ended());
    socket.once("error", (error) => this.#settle(toPenstockError(error, `read fifo ${path}`)));
    socket.once("close", () => this.#closed());
    this.#socket = socket.resume();
  }

  /** Opens the pipe and begins to wait for a writer. Throws `failed` if it is not there, or no pipe. */
  static async open(
    path: string,
    { isHeldOpen = false }: { readonly isHeldOpen?: boolean } = {},
  ): Promise<FifoReader> {
    const fds: number[] = [];
    const openEnd = (flags: number): number => {
      const fd = openFifo(path, flags);
      fds.push(fd);
      return fd;
    };
    try {
      const fd = openEnd(constants.O_RDONLY);
      const heldFd = isHeldOpen ? openEnd(constants.O_WRONLY) : undefined;
      await growPipe(fd);
      return new FifoReader(path, fd, heldFd);
    } catch (error) {
      for (const fd of fds) closeSync(fd);
      throw toPenstockError(error, `open fifo ${path}`);
    }
  }

  /**
   * The bytes, once. An abort closes the pipe at once, so that its writer gets EPIPE; leaving the
   * loop early does not.
   */
  async *chunks(signal: AbortSignal): ByteStream {
    const close = (): void => void this.#socket?.destroy();
    signal.addEventListener("abort", close, { once: true });
    if (signal.aborted) close();
    try {
      for (;;) {
        const chunk = await this.#next(signal);
        if (chunk === undefined) return;
        yield chunk;
      }
    } finally {
      signal.removeEventListener("abort", close);
    }
  }

  /**
   * Of a pipe that is held open: what is in it is still read, then it ends, once nobody else has it open
   * for writing. If no byte has ever come, `chunks` throws `not_found`, since an open alone was not
   * seen. Of any other pipe nothing changes. Repeating it is harmless.
   */
  letEnd(): void {
    if (this.#heldFd !== undefined) closeSync(this.#heldFd);
    this.#heldFd = undefined;
  }

  /**
   * Says that no writer will come any more, since the tool has exited. If none was seen, and none
   * holds the pipe open in silence, `chunks` throws `not_found`; otherwise nothing changes.
   */
  async expectNoWriter(): Promise<void> {
    // What happened before this call has been read after one full turn of the event loop.
    await loopTurn();
    await loopTurn();
    if (this.#state !== "untouched" || this.#writerIsThere()) return;
    this.#settle(neverOpened(this.#path));
  }

  /** Closes the pipe; a writer that is still there gets EPIPE. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.letEnd();
    const socket = this.#socket?.destroy();
    if (socket?.closed === false) await once(socket, "close");
  }

  async #next(signal: AbortSignal): Promise<Uint8Array | undefined> {
    for (;;) {
      signal.throwIfAborted();
      const chunk = this.#ready.shift();
      if (this.#ready.length === 0) this.#socket?.resume();
      if (chunk !== undefined) return chunk;
      if (this.#state === "ended") return undefined;
      if (this.#state instanceof PenstockError) throw this.#state;
      await raceAbort(this.#changed.promise, signal);
    }
  }

  /** Returns false to pause reading: somebody has to take this chunk first. */
  #deliver(chunk: Uint8Array): boolean {
    this.#ready.push(chunk);
    if (this.#state === "untouched") this.#state = "flowing";
    this.#wake();
    return false;
  }

  /** The last writer has closed; if we held the pipe open that may be ourselves. */
  #ended(): void {
    const isUnseen = this.#isHeldOpen && this.#state === "untouched";
    this.#settle(isUnseen ? neverOpened(this.#path) : "ended");
  }

  #closed(): void {
    this.#settle(closedEarly(this.#path));
    this.#socket = undefined;
    this.#space[Symbol.dispose]();
  }

  /** The first outcome counts. */
  #settle(outcome: "ended" | PenstockError): void {
    if (this.#state !== "untouched" && this.#state !== "flowing") return;
    this.#state = outcome;
    this.#wake();
  }

  #wake(): void {
    if (this.#state === "flowing" || this.#state === "ended") this.#seen.resolve();
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Without a writer a read gives 0; with a silent one, EAGAIN. */
  #writerIsThere(): boolean {
    const probe = new Block(HEADROOM_BYTES + 1);
    try {
      if (readSync(this.#fd, probe.free) === 0) return false;
    } catch (error) {
      return isErrno(error, "EAGAIN");
    }
    this.#deliver(probe.take(1));
    return true;
  }
}

/**
 * A stream may be optional: then this is no failure. A tool that finds no pipe makes a file, and nobody
 * notices, so that is said.
 */
function neverOpened(path: string): PenstockError {
  const instead = isFile(path) ? ": a regular file is there now, written to disk" : "";
  return new PenstockError("not_found", `fifo ${path} was never opened by its writer${instead}`);
}

function isFile(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
  } catch {
    return false; // its folder may have become anything
  }
}

function closedEarly(path: string): PenstockError {
  return new PenstockError("failed", `fifo ${path} was closed before its end`);
}
