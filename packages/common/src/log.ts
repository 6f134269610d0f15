import { showArgument } from "./secrets.ts";

/** Names of the fields of a log line: the same in the agents' logs and in the log of a run. */
export const LOG_FIELD = {
  run: "run",
  host: "host",
  stream: "stream",
  plan: "plan",
  tool: "tool",
  /** One line of what a tool has said. */
  line: "line",
  pid: "pid",
  /** A command line, without its secrets. */
  command: "command",
  exitCode: "exitCode",
  signal: "signal",
  /** Why something has failed that the run is told of in another way, too. */
  reason: "reason",
  /** Of an agent's line: its place among the run's events at that agent. */
  number: "number",
  /** How many lines are missing here. */
  dropped: "dropped",
} as const;

/** What a log line is about, by name. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Fields that are never shown, whatever is in them: tokens of runs, keys, a tool's variables. */
const SECRET_FIELDS: ReadonlySet<string> = new Set([
  "authorization",
  "credentials",
  "env",
  "key",
  "password",
  "secret",
  "token",
]);

/**
 * The fields as they may be logged, at any depth: those that hold secrets are `***`, and so is the
 * value of an argument like `--password=x`.
 */
export function redacted(fields: LogFields): Record<string, unknown> {
  const shown = Object.entries(fields).map(([name, value]) => [
    name,
    SECRET_FIELDS.has(name.toLowerCase()) ? "***" : redactedValue(value),
  ]);
  return Object.fromEntries(shown);
}

/** For pino's `formatters`: no line is written without it. */
export const LOG_FORMATTERS: {
  readonly log: typeof redacted;
  readonly bindings: typeof redacted;
} = { log: redacted, bindings: redacted };

function redactedValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redactedItem);
  return isPlainObject(value) ? redacted(value) : value;
}

/** A list of words may be a tool's arguments. */
function redactedItem(item: unknown): unknown {
  return typeof item === "string" ? showArgument(item) : redactedValue(item);
}

/** Errors, dates and bytes are left to whoever writes them. */
function isPlainObject(value: unknown): value is LogFields {
  return value !== null && typeof value === "object" && value.constructor === Object;
}
