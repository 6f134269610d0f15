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
 * What stays behind for a run if the agent is killed: one keeper for its tools, and one for every
 * seven guarded pipes of a restore. Every keeper knows every group of the run, since nobody can say
 * which tool reads which pipe; so no pipe is closed before all tools are killed.
 */
export class RunKeepers implements GroupWatch, AsyncDisposable {
  readonly #keepers: Set<Keeper>;
  readonly #guards: FifoGuard[] = [];
  readonly #groups: Set<number> = new Set();

  private constructor(keeper: Keeper) {
    this.#keepers = new Set([keeper]);
  }

  /** Starts the keeper of the run's tools. */
  static async start(): Promise<RunKeepers> {
    return new RunKeepers(await Keeper.start());
  }

  /** Guards pipes that were just made, all or none; see FifoGuard for when to release them. */
  async guard(paths: readonly string[]): Promise<FifoGuard[]> {
    const guards = await FifoGuard.openAll(paths);
    for (const keeper of new Set(guards.map((guard) => guard.keeper))) {
      for (const group of this.#groups) keeper.watch(group);
      this.#keepers.add(keeper);
    }
    this.#guards.push(...guards);
    return guards;
  }

  watch(group: number): void {
    this.#groups.add(group);
    for (const keeper of this.#keepers) keeper.watch(group);
  }

  forget(group: number): void {
    this.#groups.delete(group);
    for (const keeper of this.#keepers) keeper.forget(group);
  }

  /** Releases every guard and dismisses all keepers: the run's tools must be gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#guards.map((guard) => guard.release()));
    await Promise.all([...this.#keepers].map((keeper) => keeper.dismiss()));
  }
}
