import { expect } from "vitest";
import type { AgentHost } from "../harness/agent-host.ts";
import type { Outcome } from "../harness/child.ts";
import { CLEAN_LIMIT_MS, type Story } from "./story.ts";

/** What a failed command must look like. */
export interface Failure {
  /** Default 1: the run failed. */
  readonly status?: number;
  /** In what is said on standard error. */
  readonly message: RegExp;
}

/** The command has failed as it should, and its message is one that an operator can read. */
export function expectFailure({ status, stderr }: Outcome, failure: Failure): void {
  expect(stderr).toMatch(failure.message);
  expect(stderr).toMatch(/^error: [^\n]+$/m);
  expect(stderr).not.toMatch(/internal|undefined|\[object|\n {4}at /);
  expect(status).toBe(failure.status ?? 1);
}

/** The backup has failed so, its target holds a failed set and no other, and no trace is left. */
export async function expectFailedBackup(
  story: Story,
  outcome: Outcome,
  failure: Failure,
): Promise<void> {
  const signal = AbortSignal.timeout(CLEAN_LIMIT_MS);
  expectFailure(outcome, failure);
  await story.untilNoTrace(signal);
  expect(await story.storedFiles()).not.toContainEqual(expect.stringContaining("manifest.json"));
  const { status, error } = await story.failure();
  expect(status).toBe("failed");
  expect(outcome.stderr).toContain(`error: ${error}`);
}

/** The restore has failed so, and no trace is left. */
export async function expectFailedRestore(
  story: Story,
  outcome: Outcome,
  failure: Failure,
): Promise<void> {
  expectFailure(outcome, failure);
  await story.untilNoTrace(AbortSignal.timeout(CLEAN_LIMIT_MS));
}

/** The agents end when they are asked to, and Node has warned of nothing in them. */
export async function expectCleanStop(hosts: readonly AgentHost[]): Promise<void> {
  const outcomes = await Promise.all(hosts.map(({ child }) => child.stop()));
  for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 0, stderr: "" });
}
