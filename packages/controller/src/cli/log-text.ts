import { LOG_FIELD } from "@penstock/common";
import { printable } from "./printable.ts";

const LEVEL_WIDTH = 5;

/** A line of a run's log for people: `TIME LEVEL HOST STREAM message fields`. */
export function toLogText(line: string): string {
  const parsed = parse(line);
  if (parsed === undefined) return toWord(line);
  const {
    time,
    level,
    msg,
    [LOG_FIELD.host]: host,
    [LOG_FIELD.stream]: stream,
    ...others
  } = parsed;
  const { [LOG_FIELD.run]: _run, [LOG_FIELD.number]: _number, ...fields } = others;
  const words = [
    toWord(time),
    String(level).toUpperCase().padEnd(LEVEL_WIDTH),
    toWord(host),
    toWord(stream),
    printable(String(msg)),
    ...Object.entries(fields).map(([name, value]) => `${toWord(name)}=${toWord(value)}`),
  ];
  return words.join(" ");
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** A value as one word: what would break the line, or steer the terminal, is quoted and escaped. */
function toWord(value: unknown): string {
  if (value === undefined || value === null) return "-";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (/^[\p{L}\p{N}\p{P}\p{S}]+$/u.test(text) && !text.includes('"')) return text;
  return printable(JSON.stringify(text));
}
