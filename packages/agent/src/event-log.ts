import { raceAbort } from "@penstock/common";
import type { RunEvent } from "@penstock/proto";

/** What happened, without number and time. */
export type EventBody = NonNullable<RunEvent["event"]>;

/** The events of a run, numbered from 1, kept until its end: a watcher may come back for them. */
export class EventLog {
  readonly #events: RunEvent[] = [];
  #closed = false;
  #changed: PromiseWithResolvers<void> = Promise.withResolvers();

  add(event: EventBody): void {
    if (this.#closed) return;
    this.#events.push({
      number: BigInt(this.#events.length + 1),
      atMs: BigInt(Date.now()),
      event,
    });
    this.#wake();
  }

  /** There will be no more. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /** All events after number `after`, those to come included, until the log is closed. */
  async *after(after: bigint, signal: AbortSignal): AsyncGenerator<RunEvent, void, undefined> {
    for (let index = Number(after); ; ) {
      const event = this.#events[index];
      if (event !== undefined) {
        index += 1;
        yield event;
      } else if (this.#closed) {
        return;
      } else {
        await raceAbort(this.#changed.promise, signal);
      }
    }
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
