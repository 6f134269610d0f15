import { afterAll, expect } from "vitest";
import { stopRemainingChildren } from "./child.ts";

const STOP_LIMIT_MS = 120_000;

/**
 * Fails a test file that leaves a child process, and stops it; so a test that ran into its time limit does
 * too. To be called first in the file, so that it looks last.
 */
export function guardChildren(): void {
  afterAll(async () => {
    expect(await stopRemainingChildren()).toEqual([]);
  }, STOP_LIMIT_MS);
}
