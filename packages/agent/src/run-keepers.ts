import { FifoGuard } from "./fifo-guard.ts";
import { Keeper } from "./keeper.ts";

/** Who has to know which process groups exist. */
export interface GroupWatch {
  /** A process group was started. */
  watch(group: number): void;
  /** The group is empty. */
  forget(group: number): void;
}

/**
 * What stays behind for a run if the agent is killed: one keeper for its tools, and one for each
 * guarded pipe of a restore. Every keeper knows every group of the run, since nobody can say which
 * tool reads which pipe; so no pipe is closed before all tools are killed.
 */
export class RunKeepers implements GroupWatch, AsyncDisposable {
  readonly #keeper: Keeper;
  readonly #guards: FifoGuard[] = [];
  readonly #groups: Set<number> = new Set();

  private constructor(keeper: Keeper) {
    this.#keeper = keeper;
  }

  /** Starts the keeper of the run's tools. */
  static async start(): Promise<RunKeepers> {
    return new RunKeepers(await Keeper.start());
  }

  /** Guards a pipe that was just made; see FifoGuard for when to release it. */
  async guard(path: string): Promise<FifoGuard> {
    const guard = await FifoGuard.open(path);
    for (const group of this.#groups) guard.keeper.watch(group);
    this.#guards.push(guard);
    return guard;
  }

  watch(group: number): void {
    this.#groups.add(group);
    for (const keeper of this.#keepers()) keeper.watch(group);
  }

  forget(group: number): void {
    this.#groups.delete(group);
    for (const keeper of this.#keepers()) keeper.forget(group);
  }

  /** Releases every guard and dismisses all keepers: the run's tools must be gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#guards.map((guard) => guard.release()));
    await this.#keeper.dismiss();
  }

  *#keepers(): Generator<Keeper> {
    yield this.#keeper;
    for (const guard of this.#guards) yield guard.keeper;
  }
}
