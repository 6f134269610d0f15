import {
  isAbortError,
  LOG_FIELD,
  LOG_FORMATTERS,
  type LogFields,
  PenstockError,
  toError,
} from "@penstock/common";
import { type Logger, pino } from "pino";
import type { LogFile } from "./log-file.ts";
import type { AgentLine, RunReport, StreamState } from "./report.ts";
import type { RunAbout } from "./run-snapshot.ts";

/** The first line of every log: what the run is. */
const RUN_OPENED = "run opened";
/** The last one of a run whose controller was not killed: its `status` says how it ended. */
export const RUN_ENDED = "run ended";

/** What tools say is not written beyond this: a flood must not fill the disk. */
const LINES_LIMIT_BYTES = 64 * 1024 * 1024;
/** The last moment that a Date can hold. */
const LAST_MS = 8.64e15;

const LEVELS = ["debug", "info", "warn", "error"] as const;
type Level = (typeof LEVELS)[number];

/** Fields of every line; what an agent calls so is not about its line. */
const OWN_FIELDS: ReadonlySet<string> = new Set(["level", "time", "msg", "run", "host", "number"]);

/**
 * The log of a run: what the controller sees and what its agents have logged, one line each with the
 * host and stream that it is about. After the root cause of a failure nothing is above `info`: the rest
 * follows from it.
 */
export class RunLog {
  readonly #file: LogFile;
  readonly #log: Logger<Level>;
  readonly #states: Map<string, StreamState> = new Map();
  /** Number of the last line of each host. */
  readonly #numbers: Map<string, number>;
  #atMs: number | undefined;
  #hasFailed = false;
  #isFull = false;

  /** `numbers` are those of the last lines that the log has of each host: of them no copy is written. */
  constructor(
    file: LogFile,
    about: RunAbout,
    version: string,
    numbers: ReadonlyMap<string, number> = new Map(),
  ) {
    this.#file = file;
    this.#numbers = new Map(numbers);
    this.#log = pino(
      {
        level: "debug",
        base: { [LOG_FIELD.run]: about.run },
        // pino asks at each line; of an agent's line it is the agent's time.
        timestamp: () => `,"time":"${new Date(this.#atMs ?? Date.now()).toISOString()}"`,
        formatters: { ...LOG_FORMATTERS, level: (level) => ({ level }) },
      },
      file,
    );
    const { run: _, ...fields } = about;
    this.write("info", { ...fields, version }, RUN_OPENED);
  }

  write(level: Level, fields: LogFields, message: string): void {
    this.#log[this.#hasFailed && level !== "debug" ? "info" : level](fields, message);
  }

  /** What the run reports; of a stream only when its state changes. */
  take(report: RunReport): void {
    if (report.event === "stream") {
      if (this.#states.get(report.stream) === report.state) return;
      this.#states.set(report.stream, report.state);
    }
    const [level, fields, message] = toLine(report);
    this.write(level, fields, message);
  }

  /** What an agent has logged. Returns false for a copy of a line that the log has. */
  line(line: AgentLine): boolean {
    const { host, number } = line;
    if (number <= (this.#numbers.get(host) ?? 0)) return false;
    this.#numbers.set(host, number);
    if (this.#file.bytes <= LINES_LIMIT_BYTES) this.#writeLine(line);
    else if (!this.#isFull) {
      this.write("warn", {}, "log is full: no more lines of agents");
      this.#isFull = true;
    }
    return true;
  }

  /** The one reason why the run has failed, or was cancelled. */
  failed(thrown: unknown): void {
    const error = toError(thrown);
    const { code, hint } = error instanceof PenstockError ? error : {};
    if (isAbortError(error)) this.write("warn", { error: error.message }, "run cancelled");
    else this.write("error", { error: error.message, code, hint }, "run failed");
    this.#hasFailed = true;
  }

  /** The last line. */
  ended(status: RunEnd, fields: LogFields = {}): void {
    this.write("info", { status, ...fields }, RUN_ENDED);
  }

  #writeLine({ host, number, atMs, level, message, fields }: AgentLine): void {
    const own = Object.entries(fields).filter(([name]) => !OWN_FIELDS.has(name));
    const known = LEVELS.find((candidate) => candidate === level) ?? "info";
    this.#atMs = Math.abs(atMs) <= LAST_MS ? atMs : undefined;
    const about = { [LOG_FIELD.host]: host, [LOG_FIELD.number]: number };
    this.write(known, { ...about, ...Object.fromEntries(own) }, message);
    this.#atMs = undefined;
  }
}

/** How a run can end. */
export type RunEnd = "committed" | "restored" | "failed" | "cancelled";

type StreamReport = Extract<RunReport, { event: "stream" }>;

function toLine(report: RunReport): [Level, LogFields, string] {
  const { event, ...fields } = report;
  switch (report.event) {
    case "started":
      return ["info", { set: report.set, plan: report.plan }, "run started"];
    case "expected":
      return ["debug", { bytes: report.bytes }, "bytes expected"];
    case "stream":
      return toStreamLine(report);
    case "tool": // the agent's own line is the one to read
      return ["debug", fields, "tool was started"];
    case "tool-exit": {
      const { host, name: tool, exitCode, signal } = report;
      return ["debug", { host, tool, exitCode, signal }, "tool was seen to exit"];
    }
    case "reconnect":
      return ["warn", fields, "connection lost and found again"];
    case "warning":
      return ["warn", { warning: report.message }, "warning"];
  }
}

function toStreamLine({ stream, host, state, bytes }: StreamReport): [Level, LogFields, string] {
  const isMilestone = state === "attached" || state === "done" || state === "absent";
  return [isMilestone ? "info" : "debug", { host, stream, bytes }, `stream ${state}`];
}
