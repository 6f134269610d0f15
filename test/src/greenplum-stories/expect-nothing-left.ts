import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { tracesOn } from "../faults/story.ts";
import type { Outcome } from "../harness/child.ts";
import { CLUSTER_NAME } from "../harness/cluster.ts";
import { untilNone } from "../harness/until.ts";
import type { GreenplumStage } from "./greenplum-stage.ts";

/** How long a run may take to be cleaned up after it has failed, on a busy machine. */
const CLEAN_LIMIT_MS = 180_000;

/**
 * The backup has failed with this message, there is no such set, and nothing of it is left: no process
 * that names its key, no pipe, nothing in the agents' state, and no lock in the database.
 */
export async function expectFailedDump(
  stage: GreenplumStage,
  set: string,
  outcome: Outcome,
  { status = 1, message }: { readonly status?: number; readonly message: RegExp },
): Promise<void> {
  expect(outcome.stderr).toMatch(message);
  expect(outcome.stderr).not.toMatch(/internal|undefined|\[object|\n {4}at /);
  expect(outcome.status, outcome.stderr).toBe(status);
  expectAbsent(stage, set);
  await expectNothingLeft(stage, set);
}

/** Nobody will ever take it for a set. */
export function expectAbsent({ cluster }: GreenplumStage, set: string): void {
  expect(existsSync(join(cluster.store, CLUSTER_NAME, set, "manifest.json"))).toBe(false);
}

/** Nothing of a run is left on any host. */
export async function expectNothingLeft(stage: GreenplumStage, set: string): Promise<void> {
  const { greenplum, cluster } = stage;
  const limit = AbortSignal.timeout(CLEAN_LIMIT_MS);
  await untilNone(async () => {
    const traces = await Promise.all(cluster.hosts.map((host) => tracesOn(host)));
    const pipes = await pipesBelow(join(greenplum.dumpDirectory, ".."));
    return [...(await greenplum.processes(set)), ...pipes, ...traces.flat()];
  }, limit);
  await untilNone(() => locksOf(stage), limit);
}

async function pipesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.flatMap((entry) =>
    entry.isFIFO() ? [`pipe ${join(entry.parentPath, entry.name)}`] : [],
  );
}

/** What changes of the schema wait for, on any server. */
async function locksOf({ greenplum }: GreenplumStage): Promise<string[]> {
  const segments = greenplum.instances.filter(({ role }) => role === "p");
  const found = await Promise.all(
    segments.map(async ({ content }) => {
      const change = "create table later (i int); alter table t_heap add column later int";
      const text = `begin; set local lock_timeout = 300; ${change}; rollback`;
      const failed = (error: Error): string[] => [`content ${content}: ${error.message}`];
      return await greenplum.query(content, "testdb", text).then(() => [], failed);
    }),
  );
  return found.flat();
}
