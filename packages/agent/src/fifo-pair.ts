import { closeSync, constants, openSync } from "node:fs";
import { openFifo } from "./fifo.ts";
import type { FifoGuard } from "./fifo-guard.ts";

const { O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;

/*
 * A stream of kind stdout or stdin goes through a private named pipe of which the tool holds one
 * end. The tool's end is blocking, as a tool expects; opening it never blocks us, because some
 * other end is open at that moment. Give it to the child and close it.
 */

/** The end that becomes a tool's standard output. Our own reader must be open already. */
export function openWriteEnd(path: string): number {
  // Without any reader the next open would wait for one, so there is one for the moment.
  const reader = openFifo(path, O_RDONLY);
  try {
    return openSync(path, O_WRONLY | O_NOFOLLOW);
  } finally {
    closeSync(reader);
  }
}

/** The end that becomes a tool's standard input. The guard keeps it from reading a false end. */
export function openReadEnd(guard: FifoGuard): number {
  guard.assertHeld();
  return openSync(guard.path, O_RDONLY | O_NOFOLLOW);
}
