import { closeSync, constants } from "node:fs";
import { PenstockError, toPenstockError } from "@penstock/common";
import { openFifo } from "./fifo.ts";
import { Keeper } from "./keeper.ts";

/**
 * One more writing end of a restore's pipe: while it is held, the consumer of the pipe sees no end
 * of its input, whoever else closes. We hold it, and so does a keeper, which outlives us if we are
 * killed, and lets go only when it has killed the consumer.
 *
 * On success: all bytes written, `release`, then the writer's `end`. A guard is no reader: the
 * writer still waits for the consumer, and still gets EPIPE when the consumer closes.
 */
export class FifoGuard implements AsyncDisposable {
  readonly path: string;
  /** Has to be told which process groups to kill. */
  readonly keeper: Keeper;
  #fd: number | undefined;

  private constructor(path: string, keeper: Keeper, fd: number) {
    this.path = path;
    this.keeper = keeper;
    this.#fd = fd;
  }

  /**
   * Guards a pipe that nobody has opened yet, so call it right after making the pipe: for a moment
   * there is a reader, which a waiting writer would take for its consumer.
   */
  static async open(path: string): Promise<FifoGuard> {
    let fd: number | undefined;
    try {
      fd = openGuard(path);
      return new FifoGuard(path, await Keeper.start(fd), fd);
    } catch (error) {
      if (fd !== undefined) closeSync(fd);
      throw toPenstockError(error, `guard fifo ${path}`);
    }
  }

  /** Throws `internal` once the guard is released. */
  assertHeld(): void {
    if (this.#fd === undefined)
      throw new PenstockError("internal", `fifo ${this.path} has no guard`);
  }

  /** Resolves when neither we nor the keeper hold the pipe any more. Repeating it is harmless. */
  async release(): Promise<void> {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    await this.keeper.dismiss();
  }

  /** The same as `release`: so first see that the consumer is gone, or that all is written. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}

/** A writing end without waiting for a reader: one is there for the moment. */
function openGuard(path: string): number {
  const reader = openFifo(path, constants.O_RDONLY);
  try {
    return openFifo(path, constants.O_WRONLY);
  } finally {
    closeSync(reader);
  }
}
