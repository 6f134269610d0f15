import { closeSync, constants, readSync } from "node:fs";
import { isErrno } from "@penstock/common";
import { openFifo } from "./fifo.ts";

const READ_BYTES = 256 * 1024;
/** So much of one pipe at a time, then it is the turn of others. */
const MOST_READS = 16;

/**
 * Reading ends that take what comes and throw it away: whoever waits for a reader of these pipes, to
 * open them or to write, goes on. What is no pipe, or not there, is passed over.
 */
export class PipeDrain implements Disposable {
  readonly #fds: readonly number[];
  readonly #space: Buffer = Buffer.allocUnsafe(READ_BYTES);

  constructor(paths: readonly string[]) {
    this.#fds = paths.flatMap((path) => openIfThere(path));
  }

  /** Takes what is in the pipes now. True if that was anything. Never waits. */
  discard(): boolean {
    return this.#fds.map((fd) => this.#discardFrom(fd)).includes(true);
  }

  [Symbol.dispose](): void {
    for (const fd of this.#fds) closeSync(fd);
  }

  #discardFrom(fd: number): boolean {
    for (let reads = 0; reads < MOST_READS; reads++) {
      try {
        if (readSync(fd, this.#space) === 0) return reads > 0;
      } catch (error) {
        if (isErrno(error, "EAGAIN")) return reads > 0;
        throw error;
      }
    }
    return true;
  }
}

function openIfThere(path: string): number[] {
  try {
    return [openFifo(path, constants.O_RDONLY)];
  } catch {
    return []; // somebody has put something else there, or nothing
  }
}
