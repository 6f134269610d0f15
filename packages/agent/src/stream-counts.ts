import type { AgentStream } from "./stream.ts";
import {
  addNumbers,
  closedNumbers,
  type Direction,
  NO_NUMBERS,
  type StreamNumbers,
  type StreamState,
} from "./stream-numbers.ts";

const NOTHING: StreamNumbers = { backup: NO_NUMBERS, restore: NO_NUMBERS };

/**
 * What the streams of one thread came to: those that are open, and those that were. Streams count their
 * bytes anyway; they are asked only when somebody wants to know.
 */
export class StreamCounts {
  readonly #open: Set<CountedStream> = new Set();
  #closed: StreamNumbers = NOTHING;

  /** Counts a stream from now on, until `close` of what is returned. */
  add(direction: Direction, stream: AgentStream): CountedStream {
    const counted = new CountedStream(direction, stream, () => this.#close(counted));
    this.#open.add(counted);
    return counted;
  }

  get numbers(): StreamNumbers {
    return addNumbers([this.#closed, ...[...this.#open].map(({ numbers }) => numbers)]);
  }

  #close(counted: CountedStream): void {
    if (!this.#open.delete(counted)) return;
    this.#closed = addNumbers([this.#closed, closedNumbers(counted.numbers)]);
  }
}

/** One stream that is counted. */
export class CountedStream {
  readonly #direction: Direction;
  readonly #stream: AgentStream;
  /** The stream is closed; what it came to stays. Repeating it is harmless. */
  readonly close: () => void;
  #state: StreamState = "waiting";
  #reconnects = 0;

  constructor(direction: Direction, stream: AgentStream, close: () => void) {
    this.#direction = direction;
    this.#stream = stream;
    this.close = close;
    void stream.opened.then(() => {
      if (this.#state === "waiting") this.#state = "flowing";
    });
    stream.done.then(
      () => {
        this.#state = "done";
      },
      () => {
        this.#state = "failed";
      },
    );
  }

  /** Its mover has called again. */
  reconnected(): void {
    this.#reconnects += 1;
  }

  get numbers(): StreamNumbers {
    const { limitBytes, ...moved } = this.#stream.moved;
    const isOver = this.#state === "done" && moved.heldBytes === 0;
    const own = { ...moved, limitBytes: isOver ? 0 : limitBytes, reconnects: this.#reconnects };
    return { ...NOTHING, [this.#direction]: { ...NO_NUMBERS, ...own, [this.#state]: 1 } };
  }
}
