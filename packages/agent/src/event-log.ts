import { LOG_FIELD, raceAbort } from "@penstock/common";
import type { RunEvent } from "@penstock/proto";

/** What happened, without number and time. */
export type EventBody = NonNullable<RunEvent["event"]>;

/** So many log lines are kept. */
const KEPT_LINES = 2_000;
/** More than a host can start in the time until a run without a watcher is given up. */
const KEPT_OF_MANY = 30_000;

/**
 * The events of a run, numbered from 1, kept until its end: a watcher may come back for them. Of
 * log lines only the newest 2,000 are kept, and of those that come in tens of thousands, about plugin
 * processes, the newest 30,000; of all others there are few. Who comes too late for some is told how many.
 */
export class EventLog {
  /** By number; where some are missing they were dropped. */
  readonly #events: RunEvent[] = [];
  /** The numbers of those that may be dropped, the oldest first. */
  readonly #lines: bigint[] = [];
  readonly #ofMany: bigint[] = [];
  #lastNumber = 0n;
  #closed = false;
  #changed: PromiseWithResolvers<void> = Promise.withResolvers();

  /** `isOneOfMany`: it is about one of a plugin's processes. */
  add(event: EventBody, { isOneOfMany = false }: { readonly isOneOfMany?: boolean } = {}): void {
    if (this.#closed) return;
    this.#lastNumber += 1n;
    this.#events.push({ number: this.#lastNumber, atMs: BigInt(Date.now()), event });
    if (event.$case === "log") this.#keep(this.#lines, KEPT_LINES);
    else if (isOneOfMany) this.#keep(this.#ofMany, KEPT_OF_MANY);
    this.#wake();
  }

  /** There will be no more. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /** All events after number `after`, those to come included, until the log is closed. */
  async *after(after: bigint, signal: AbortSignal): AsyncGenerator<RunEvent, void, undefined> {
    for (let seen = after; ; ) {
      const event = this.#firstAfter(seen);
      if (event !== undefined) {
        const missing = event.number - seen - 1n;
        if (missing > 0n) yield toMissing(missing, event);
        seen = event.number;
        yield event;
      } else if (this.#closed) {
        return;
      } else {
        await raceAbort(this.#changed.promise, signal);
      }
    }
  }

  /** The newest event is one of these; the oldest of them goes if there are too many. */
  #keep(numbers: bigint[], most: number): void {
    numbers.push(this.#lastNumber);
    const oldest = numbers.length > most ? numbers.shift() : undefined;
    if (oldest !== undefined) this.#events.splice(this.#indexAfter(oldest - 1n), 1);
  }

  #firstAfter(number: bigint): RunEvent | undefined {
    return this.#events[this.#indexAfter(number)];
  }

  /** The events are in order, so half of those in question are left out at each step. */
  #indexAfter(number: bigint): number {
    let [low, high] = [0, this.#events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#events[middle]?.number ?? 0n) > number) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** Stands for the events that are missing before another. */
function toMissing(count: bigint, { number, atMs }: RunEvent): RunEvent {
  const value = {
    level: "warn",
    message: "log lines dropped",
    fields: { [LOG_FIELD.dropped]: `${count}` },
  };
  return { number: number - 1n, atMs, event: { $case: "log", value } };
}
