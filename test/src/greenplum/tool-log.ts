import { writeSync } from "node:fs";
import { userInfo } from "node:os";

export type LogLevel = "INFO" | "WARNING" | "ERROR" | "CRITICAL";

/** Ends a tool with a message in its own words. */
export class ToolFailure extends Error {
  readonly level: LogLevel;
  readonly status = 2;

  constructor(message: string, options: ErrorOptions & { readonly level?: LogLevel } = {}) {
    super(message, options);
    this.level = options.level ?? "ERROR";
  }
}

/** Writes a tool's log lines to standard output. */
export class ToolLog {
  readonly #prefix: string;

  /** `place` is `HOST:USER`, or `default`. */
  constructor(program: string, place: string) {
    this.#prefix = `${String(process.pid).padStart(6, "0")} ${program}:${place}`;
  }

  line(level: LogLevel, text: string): void {
    say(`${logTime(new Date())}:${this.#prefix}-[${level}]:-${text}\n`);
  }

  info(...texts: readonly string[]): void {
    for (const text of texts) this.line("INFO", text);
  }

  warning(...texts: readonly string[]): void {
    for (const text of texts) this.line("WARNING", text);
  }
}

/** A time as in log lines and status files: `YYYYMMDD:hh:mm:ss`, local. */
export function logTime(at: Date): string {
  const two = (number: number): string => String(number).padStart(2, "0");
  const day = `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`;
  return `${day}:${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":")}`;
}

/** Where tools look for the addresses of people to tell; there are none. */
export function mailContacts(bin: string): [string, string] {
  return [`${bin}/mail_contacts`, `${userInfo().homedir}/mail_contacts`];
}

function say(text: string): void {
  try {
    writeSync(1, text);
  } catch {
    // Whoever read it is gone.
  }
}
