import { formatDuration, PenstockError } from "@penstock/common";
import type { StartToolRequest } from "@penstock/proto";
import type { ToolSpec } from "./tool-spec.ts";

const MOST_STDOUT_BYTES = 1024 * 1024;
const LONGEST_STOP_MS = 120_000;

/** What a request says of the process to start. Throws `usage` for what can never be. */
export function toToolSpec(request: StartToolRequest, path: string): ToolSpec {
  const { tool: name, args, env, stopSignal, stopAlone, stopGraceMs, keepStdoutBytes } = request;
  if (keepStdoutBytes > MOST_STDOUT_BYTES) {
    const message = `tool ${name}: cannot keep ${keepStdoutBytes} bytes of its output`;
    throw new PenstockError("usage", message, { hint: `at most ${MOST_STDOUT_BYTES} are kept` });
  }
  if (stopGraceMs > LONGEST_STOP_MS) {
    const message = `tool ${name}: a stop cannot take ${formatDuration(stopGraceMs)}`;
    throw new PenstockError("usage", message, {
      hint: `at most ${formatDuration(LONGEST_STOP_MS)} are waited for`,
    });
  }
  const stdoutTail = { bytes: keepStdoutBytes, lines: Number.POSITIVE_INFINITY };
  return {
    ...{ name, path, args, env, stopAlone },
    ...(stopSignal === "" ? {} : { stopSignal }),
    ...(stopGraceMs === 0 ? {} : { stopGraceMs }),
    ...(keepStdoutBytes === 0 ? {} : { stdoutTail }),
  };
}
