import { closeSync, constants } from "node:fs";
import { PenstockError, toPenstockError } from "@penstock/common";
import { openFifo } from "./fifo.ts";
import { growPipe } from "./grow-pipe.ts";
import { Keeper, MOST_KEPT } from "./keeper.ts";

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
  /** Has to be told which process groups to kill. Guards opened together share some. */
  readonly keeper: Keeper;
  readonly #place: number;
  #fd: number | undefined;

  private constructor(path: string, keeper: Keeper, place: number, fd: number) {
    this.path = path;
    this.keeper = keeper;
    this.#place = place;
    this.#fd = fd;
  }

  /**
   * Guards pipes that nobody has opened yet, all or none, so call it right after making the pipes:
   * for a moment there is a reader, which a waiting writer would take for its consumer. A guarded
   * pipe has a large buffer, where the system allows it.
   */
  static async openAll(paths: readonly string[]): Promise<FifoGuard[]> {
    const held: Held[] = [];
    try {
      for (const path of paths) held.push({ path, fd: openGuard(path) });
      await Promise.all(held.map(({ fd }) => growPipe(fd)));
    } catch (error) {
      for (const { fd } of held) closeSync(fd);
      throw error;
    }
    return await keepAll(held, (...parts) => new FifoGuard(...parts));
  }

  /** The same for a single pipe. */
  static async open(path: string): Promise<FifoGuard> {
    const [guard] = await FifoGuard.openAll([path]);
    if (guard === undefined) throw new PenstockError("internal", `fifo ${path} got no guard`);
    return guard;
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
    await this.keeper.letGo(this.#place);
  }

  /** The same as `release`: so first see that the consumer is gone, or that all is written. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}

/** A writing end that has no keeper yet. */
interface Held {
  readonly path: string;
  readonly fd: number;
}

/** Gives the ends to keepers, as many to each as it can hold. If one does not start, all are let go. */
async function keepAll(
  held: readonly Held[],
  toGuard: (path: string, keeper: Keeper, place: number, fd: number) => FifoGuard,
): Promise<FifoGuard[]> {
  const guards: FifoGuard[] = [];
  try {
    while (guards.length < held.length) {
      const some = held.slice(guards.length, guards.length + MOST_KEPT);
      const keeper = await Keeper.start(some.map(({ fd }) => fd));
      guards.push(...some.map(({ path, fd }, place) => toGuard(path, keeper, place, fd)));
    }
    return guards;
  } catch (error) {
    for (const { fd } of held.slice(guards.length)) closeSync(fd);
    await Promise.all(guards.map((guard) => guard.release()));
    throw error;
  }
}

/** A writing end without waiting for a reader: one is there for the moment. */
function openGuard(path: string): number {
  try {
    const reader = openFifo(path, constants.O_RDONLY);
    try {
      return openFifo(path, constants.O_WRONLY);
    } finally {
      closeSync(reader);
    }
  } catch (error) {
    throw toPenstockError(error, `guard fifo ${path}`);
  }
}
