import type { Writable } from "node:stream";

/**
 * Waits for a pipeline into a child's input. Node closes that input when the child has ended, which may be
 * before the pipeline has seen that all has been taken: this is no failure.
 */
export async function untilFed(pipeline: Promise<void>, input: Writable): Promise<void> {
  try {
    await pipeline;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const hasTakenAll = input.writableEnded && input.writableLength === 0;
    if (code !== "ERR_STREAM_PREMATURE_CLOSE" || !hasTakenAll) throw error;
  }
}
