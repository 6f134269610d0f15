const WINDOW_MS = 1000;
const LINES_PER_WINDOW = 50;

/**
 * Passes on at most 50 lines a second, so that a tool cannot flood the log; says how many it left
 * out when it passes the next one, and at `end`.
 */
export class LineRate {
  readonly #onLine: (line: string) => void;
  readonly #nowMs: () => number;
  #windowBeganMs = Number.NEGATIVE_INFINITY;
  #passed = 0;
  #leftOut = 0;

  constructor(onLine: (line: string) => void, nowMs: () => number = () => performance.now()) {
    this.#onLine = onLine;
    this.#nowMs = nowMs;
  }

  push(line: string): void {
    if (this.#nowMs() - this.#windowBeganMs >= WINDOW_MS) this.#beginWindow();
    if (this.#passed < LINES_PER_WINDOW) {
      this.#passed += 1;
      this.#onLine(line);
    } else {
      this.#leftOut += 1;
    }
  }

  end(): void {
    if (this.#leftOut > 0) this.#onLine(`(${this.#leftOut} lines left out)`);
    this.#leftOut = 0;
  }

  #beginWindow(): void {
    this.end();
    this.#windowBeganMs = this.#nowMs();
    this.#passed = 0;
  }
}
