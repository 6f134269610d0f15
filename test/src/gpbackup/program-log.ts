import { appendFileSync, mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { toTimestamp } from "./files.ts";
import type { ClusterState } from "./state.ts";

type Level = "INFO" | "WARNING" | "ERROR" | "CRITICAL";

/** What gpbackup and gprestore write: to the terminal, and to a log in `gpAdminLogs`. */
export class ProgramLog {
  /** Of errors and of nothing worse is 1, after something critical 2. */
  exitStatus = 0;
  readonly #program: string;
  readonly #path: string;

  constructor(program: string, { dir }: ClusterState) {
    this.#program = program;
    const folder = join(dir, "home/gpAdminLogs");
    mkdirSync(folder, { recursive: true });
    this.#path = join(folder, `${program}_${toTimestamp(new Date()).slice(0, 8)}.log`);
  }

  get path(): string {
    return this.#path;
  }

  info(text: string): void {
    this.#write("INFO", text);
  }

  warning(text: string): void {
    this.#write("WARNING", text);
  }

  error(text: string): void {
    this.exitStatus = Math.max(this.exitStatus, 1);
    this.#write("ERROR", text);
  }

  critical(text: string): void {
    this.exitStatus = 2;
    this.#write("CRITICAL", text);
  }

  /** How far a step is, as a bar would show it. */
  progress(what: string, done: number, all: number): void {
    const percent = ((100 * done) / Math.max(1, all)).toFixed(2).padStart(6);
    process.stdout.write(`\n${what}:  ${done} / ${all}  ${percent}%\n`);
  }

  #write(level: Level, text: string): void {
    const [date, ...clock] = toTimestamp(new Date()).match(/^\d{8}|\d{2}/g) ?? [];
    const pid = `${process.pid}`.padStart(6, "0");
    const who = `${this.#program}:gpadmin:${hostname()}:${pid}`;
    const line = `${date}:${clock.join(":")} ${who}-[${level}]:-${text}\n`;
    appendFileSync(this.#path, line);
    (level === "INFO" || level === "WARNING" ? process.stdout : process.stderr).write(line);
  }
}
