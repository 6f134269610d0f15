import { PenstockError } from "@penstock/common";
import type { StartToolRequest } from "@penstock/proto";
import type { ToolSpec } from "./tool-spec.ts";

const MOST_STDOUT_BYTES = 1024 * 1024;

/** What a request says of the process to start. Throws `usage` for what can never be. */
export function toToolSpec(request: StartToolRequest, path: string): ToolSpec {
  const { tool: name, args, env, stopSignal, stopAlone, keepStdoutBytes } = request;
  if (keepStdoutBytes > MOST_STDOUT_BYTES) {
    const message = `tool ${name}: cannot keep ${keepStdoutBytes} bytes of its output`;
    throw new PenstockError("usage", message, { hint: `at most ${MOST_STDOUT_BYTES} are kept` });
  }
  const stdoutTail = { bytes: keepStdoutBytes, lines: Number.POSITIVE_INFINITY };
  return {
    ...{ name, path, args, env, stopAlone },
    ...(stopSignal === "" ? {} : { stopSignal }),
    ...(keepStdoutBytes === 0 ? {} : { stdoutTail }),
  };
}
