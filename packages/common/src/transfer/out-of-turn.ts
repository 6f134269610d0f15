import { PenstockError } from "../errors.ts";

/** What a side throws for a message that is not its to get, or for an end that comes too early. */
export function outOfTurn(message: string | undefined): PenstockError {
  if (message !== undefined) return new PenstockError("failed", `unexpected message "${message}"`);
  return new PenstockError("unreachable", "the connection was closed before the end");
}
