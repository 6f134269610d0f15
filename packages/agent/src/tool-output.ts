import type { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { LineRate } from "./line-rate.ts";
import { LineTail } from "./line-tail.ts";

/**
 * What a tool says, read as fast as it says it, so that it never waits for us. Keeps the last lines
 * of each stream, and passes lines on at a bounded rate.
 */
export class ToolOutput {
  readonly #streams: readonly Readable[];
  readonly #stdout: LineTail;
  readonly #stderr: LineTail;
  readonly #drained: Promise<unknown>;
  readonly #rate: LineRate;

  constructor(stdout: Readable | null, stderr: Readable | null, onLine: (line: string) => void) {
    this.#rate = new LineRate(onLine);
    this.#stdout = new LineTail((line) => this.#rate.push(line));
    this.#stderr = new LineTail((line) => this.#rate.push(line));
    this.#streams = [stdout, stderr].filter((stream) => stream !== null);
    this.#drained = Promise.all([readLines(stdout, this.#stdout), readLines(stderr, this.#stderr)]);
  }

  get stdoutTail(): string {
    return this.#stdout.text;
  }

  get stderrTail(): string {
    return this.#stderr.text;
  }

  /** Resolves when all is read, or when the time is over; then nothing more is read. */
  async drain(limitMs: number): Promise<void> {
    const timer = new AbortController();
    const late = pause(limitMs, undefined, { ref: false, signal: timer.signal }).catch(() => {});
    await Promise.race([this.#drained, late]);
    timer.abort();
    for (const stream of this.#streams) stream.destroy();
    await this.#drained;
    this.#rate.end();
  }
}

/** Never rejects: a stream that breaks has nothing more to say. */
async function readLines(stream: Readable | null, tail: LineTail): Promise<void> {
  try {
    for await (const bytes of stream ?? []) tail.push(bytes);
  } catch {
    // Cut off by `drain`: somebody else still holds the tool's output open.
  }
  tail.end();
}
