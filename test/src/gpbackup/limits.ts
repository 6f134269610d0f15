import { vi } from "vitest";
import { guardChildren } from "../harness/guard-children.ts";

/** They guard against what hangs alone: a slow machine is no failure. */
const TEST_LIMIT_MS = 300_000;
const FILE_LIMIT_MS = 1_500_000;

/**
 * Limits the tests and hooks of a file, and what they wait for together, by the signal; and fails the file if
 * it leaves a child process. Call it first in the file.
 */
export function guardFile(): AbortSignal {
  vi.setConfig({ testTimeout: TEST_LIMIT_MS, hookTimeout: TEST_LIMIT_MS });
  guardChildren();
  return AbortSignal.timeout(FILE_LIMIT_MS);
}
