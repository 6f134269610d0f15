import type { Readable } from "node:stream";
import { setImmediate as loopTurn, setTimeout as pause } from "node:timers/promises";
import { LineTail, type TailLimits } from "./line-tail.ts";
import { createOutputPipe, type OutputPipe } from "./output-pipe.ts";

/**
 * Standard error or output of a tool: read as fast as the tool writes, so that it never waits for
 * us; the last lines are kept. Ends by itself when all writing ends are closed.
 */
export class ToolOutput {
  /** The writing end, for the child; close it when the child has it, or will not. */
  readonly fd: number;
  readonly #stream: Readable;
  readonly #tail: LineTail;
  readonly #allRead: Promise<void>;

  private constructor(
    { fd, stream }: OutputPipe,
    onLine: (line: string) => void,
    limits: TailLimits,
  ) {
    this.fd = fd;
    this.#stream = stream;
    this.#tail = new LineTail(onLine, limits);
    this.#allRead = this.#read();
  }

  /** Begins to read; `onLine` gets every line. */
  static async open(onLine: (line: string) => void, limits: TailLimits): Promise<ToolOutput> {
    return new ToolOutput(await createOutputPipe(), onLine, limits);
  }

  /**
   * Resolves with the last lines when all is read, or when the time is over; then no more is read than
   * was there by that time.
   */
  async drain(limitMs: number): Promise<string> {
    const timer = new AbortController();
    const late = timeOver(limitMs, timer.signal).catch(() => {});
    await Promise.race([this.#allRead, late]);
    timer.abort();
    this.#stream.destroy();
    await this.#allRead;
    return this.#tail.text;
  }

  /** Never rejects: an output that breaks has nothing more to say. */
  async #read(): Promise<void> {
    try {
      for await (const bytes of this.#stream) this.#tail.push(bytes);
    } catch {
      // Cut off by `drain`: somebody else still holds the tool's output open.
    }
    this.#tail.end();
  }
}

/** A process that has stood still itself reads what has come meanwhile: timers come before that. */
async function timeOver(limitMs: number, signal: AbortSignal): Promise<void> {
  await pause(limitMs, undefined, { ref: false, signal });
  await loopTurn();
  await loopTurn();
}
