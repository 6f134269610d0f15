import { Random } from "./random.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** A moment of a world's life. A step is whatever happens between two others, so a place to crash. */
type Step = { readonly number: number; readonly action: () => void };

/** All that one seed stands for: chance, time, what happened, and what was wrong about it. */
export class World {
  readonly random: Random;
  readonly clock: VirtualClock;
  readonly trace: string[] = [];
  readonly violations: string[] = [];
  /** For what is not to be interrupted. */
  readonly never: AbortSignal = new AbortController().signal;
  readonly #isTraced: boolean;
  #steps = 0;
  #planned: Step[] = [];

  constructor(seed: number, isTraced: boolean) {
    this.random = new Random(seed);
    this.clock = new VirtualClock(this.random.fork());
    this.#isTraced = isTraced;
  }

  get steps(): number {
    return this.#steps;
  }

  /** Something has happened; what was planned for this moment does, too. */
  step(who: string, what: () => string): void {
    this.#steps += 1;
    this.note(who, what);
    for (const { number, action } of this.#planned) if (number === this.#steps) action();
  }

  atStep(number: number, action: () => void): void {
    this.#planned.push({ number, action });
  }

  /** For the trace only. */
  note(who: string, what: () => string): void {
    if (!this.#isTraced) return;
    const at = (this.clock.nowMs() / 1000).toFixed(4).padStart(9);
    this.trace.push(`${at}  ${who.padEnd(10)} ${what()}`);
  }

  /** The property of the whole simulation is that this is never called. */
  violated(what: string): void {
    this.violations.push(what);
    this.note("VIOLATION", () => what);
  }
}
