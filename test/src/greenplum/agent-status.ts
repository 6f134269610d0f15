import { writeSync } from "node:fs";
import { logTime } from "./tool-log.ts";

/** Writes an agent's status: its standard error. */
export class AgentStatus {
  readonly #program: string;

  constructor(program: string) {
    this.#program = program;
  }

  info(...texts: readonly string[]): void {
    for (const text of texts) write(this.line("INFO", text));
  }

  error(text: string): void {
    write(this.line("ERROR", text));
  }

  /** Without a time, like some lines of the real agent. */
  plain(text: string): void {
    write(`${this.#program}: ${text}\n`);
  }

  line(level: "INFO" | "ERROR", text: string): string {
    return `${logTime(new Date())}|${this.#program}-[${level}]:-${text}\n`;
  }
}

function write(text: string): void {
  writeSync(2, text);
}
