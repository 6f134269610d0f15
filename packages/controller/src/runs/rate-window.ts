/** Long enough to be readable, short enough to show a change. */
const WINDOW_MS = 5_000;
/** Samples that are nearer to each other are one. */
const SAMPLE_MS = 250;

interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

/** How fast a count grows: the mean over the last five seconds. Holds some twenty samples. */
export class RateWindow {
  readonly #samples: Sample[] = [];

  /** The count at a moment; moments do not go back. */
  add(bytes: number, atMs: number): void {
    const [before, last] = this.#samples.slice(-2);
    if (before !== undefined && last !== undefined && last.atMs - before.atMs < SAMPLE_MS) {
      this.#samples.pop();
    }
    this.#samples.push({ atMs, bytes });
    while ((this.#samples[1]?.atMs ?? atMs) < atMs - WINDOW_MS) this.#samples.shift();
  }

  /** Per second. */
  at(nowMs: number): number {
    const beginMs = nowMs - WINDOW_MS;
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined) return 0;
    const from = this.#samples.findLast((sample) => sample.atMs <= beginMs) ?? first;
    // A sample that is much older is from before a pause, in which nothing came.
    const spanMs = nowMs - Math.max(from.atMs, beginMs - 2 * SAMPLE_MS);
    return ((last.bytes - from.bytes) * 1000) / Math.max(spanMs, SAMPLE_MS);
  }
}
