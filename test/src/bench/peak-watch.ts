import { peakBytes, processTree } from "./process-cost.ts";

const INTERVAL_MS = 100;

/**
 * Keeps the peak resident set of each process below the given roots. The kernel keeps the peak
 * itself, so a sample is only early for a process that grows in its last moments.
 */
export class PeakWatch implements Disposable {
  readonly #roots: () => readonly number[];
  readonly #peaks = new Map<number, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(roots: () => readonly number[]) {
    this.#roots = roots;
    this.#timer = setInterval(() => this.#sample(), INTERVAL_MS);
  }

  /** The sum over all processes seen. Pages that they share are counted in each. */
  total(): number {
    this.#sample();
    return [...this.#peaks.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    for (const pid of this.#roots().flatMap(processTree)) {
      this.#peaks.set(pid, Math.max(peakBytes(pid), this.#peaks.get(pid) ?? 0));
    }
  }
}
