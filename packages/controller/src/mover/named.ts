import { isAbortError, PenstockError, toPenstockError } from "@penstock/common";
import type { AgentStream } from "./jobs.ts";

/** The promise's value; an error of it names host and stream. Aborts pass unchanged. */
export async function named<T>(
  { host, stream }: Pick<AgentStream, "host" | "stream">,
  promise: Promise<T>,
): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    if (isAbortError(error)) throw error;
    throw withPrefix(`stream ${stream} of ${host}`, error);
  }
}

/** Once is enough, however many layers name it. */
function withPrefix(prefix: string, error: unknown): PenstockError {
  const { code, message, hint, place } = toPenstockError(error, prefix);
  if (message.startsWith(prefix)) return toPenstockError(error, prefix);
  return new PenstockError(code, `${prefix}: ${message}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
    ...(place === undefined ? {} : { place }),
  });
}
