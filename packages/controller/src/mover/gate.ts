import { raceAbort } from "@penstock/common";

/** Lets a limited number do something at the same time; the others wait in line. */
export class Gate {
  readonly #limit: number;
  readonly #line: PromiseWithResolvers<void>[] = [];
  #inside = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Does `action` as soon as there is room. An abort ends the waiting; an action under way is its own. */
  async pass<Result>(action: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
    await this.#enter(signal);
    try {
      return await action();
    } finally {
      this.#leave();
    }
  }

  async #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#inside < this.#limit) {
      this.#inside += 1;
      return;
    }
    const turn = Promise.withResolvers<void>();
    this.#line.push(turn);
    try {
      await raceAbort(turn.promise, signal);
    } catch (error) {
      const place = this.#line.indexOf(turn);
      if (place === -1)
        this.#leave(); // it was our turn just then
      else this.#line.splice(place, 1);
      throw error;
    }
  }

  /** Whoever is first in line takes the place over. */
  #leave(): void {
    const next = this.#line.shift();
    if (next === undefined) this.#inside -= 1;
    else next.resolve();
  }
}
