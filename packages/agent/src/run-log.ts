import { type LogFields, redacted } from "@penstock/common";
import type { Logger } from "pino";
import type { EventLog } from "./event-log.ts";

/** A longer value tells nothing more, and a watcher has to hold it. */
const VALUE_LIMIT = 4_096;

/**
 * The log of one run on this host. Every line is in the agent's log, and is an event of the run, with
 * which it reaches the controller's log of the run.
 */
export class RunLog {
  readonly #log: Logger;
  readonly #events: EventLog;

  constructor(log: Logger, events: EventLog) {
    this.#log = log;
    this.#events = events;
  }

  info(fields: LogFields, message: string): void {
    this.#log.info(fields, message);
    this.#tell("info", fields, message);
  }

  warn(fields: LogFields, message: string): void {
    this.#log.warn(fields, message);
    this.#tell("warn", fields, message);
  }

  error(fields: LogFields, message: string): void {
    this.#log.error(fields, message);
    this.#tell("error", fields, message);
  }

  #tell(level: string, fields: LogFields, message: string): void {
    const value = { level, message, fields: toTexts(fields) };
    this.#events.add({ $case: "log", value });
  }
}

/** The fields as they cross the wire; what is not there is left out. */
function toTexts(fields: LogFields): Record<string, string> {
  const texts = Object.entries(redacted(fields))
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => [name, toText(value).slice(0, VALUE_LIMIT)] as const);
  return Object.fromEntries(texts);
}

function toText(value: unknown): string {
  if (value instanceof Error) return value.message;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
