import { LOG_FIELD, raceAbort } from "@penstock/common";
import type { RunEvent } from "@penstock/proto";

/** What happened, without number and time. */
export type EventBody = NonNullable<RunEvent["event"]>;

/** So many log lines are kept; of all other events there are few, and each is needed. */
const KEPT_LINES = 2_000;

/**
 * The events of a run, numbered from 1, kept until its end: a watcher may come back for them. Of
 * log lines only the newest 2,000 are kept; who comes too late for some is told how many.
 */
export class EventLog {
  /** By number; where some are missing there were log lines. */
  readonly #events: RunEvent[] = [];
  #lastNumber = 0n;
  #lines = 0;
  #closed = false;
  #changed: PromiseWithResolvers<void> = Promise.withResolvers();

  add(event: EventBody): void {
    if (this.#closed) return;
    this.#lastNumber += 1n;
    this.#events.push({ number: this.#lastNumber, atMs: BigInt(Date.now()), event });
    if (event.$case === "log") this.#countLine();
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

  #countLine(): void {
    this.#lines += 1;
    if (this.#lines <= KEPT_LINES) return;
    this.#lines -= 1;
    this.#events.splice(
      this.#events.findIndex(({ event }) => event?.$case === "log"),
      1,
    );
  }

  /** The events are in order, so half of those in question are left out at each step. */
  #firstAfter(number: bigint): RunEvent | undefined {
    let [low, high] = [0, this.#events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#events[middle]?.number ?? 0n) > number) high = middle;
      else low = middle + 1;
    }
    return this.#events[low];
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** Stands for the log lines that are missing before an event. */
function toMissing(count: bigint, { number, atMs }: RunEvent): RunEvent {
  const value = {
    level: "warn",
    message: "log lines dropped",
    fields: { [LOG_FIELD.dropped]: `${count}` },
  };
  return { number: number - 1n, atMs, event: { $case: "log", value } };
}
