import { writeSync } from "node:fs";

/**
 * To COPY the end of its input is the end of the table, and nobody looks at our exit status. No text
 * that it takes has this byte, so that it fails, and keeps nothing.
 */
const BROKEN_OFF = Buffer.of(0);
const PAUSE_MS = 10;

/**
 * Runs what writes a table to the standard output. Unless it succeeds the output ends in a NUL byte,
 * however this process ends, but for SIGKILL. A reader that is alive but slow is waited for.
 */
export async function wholeOrBrokenOff(write: () => Promise<void> | void): Promise<void> {
  process.once("exit", breakOff);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => process.exit(1));
  }
  await write();
  process.off("exit", breakOff);
}

function breakOff(): void {
  while (isFull()) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
}

/** True if the pipe has no room for it yet. */
function isFull(): boolean {
  try {
    writeSync(1, BROKEN_OFF);
    return false;
  } catch (error) {
    // Anything else: nobody reads any more.
    return error instanceof Error && "code" in error && error.code === "EAGAIN";
  }
}
