import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Manifest } from "@penstock/common";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Target } from "../targets/target.ts";
import { openTarget } from "../targets/targets.ts";
import { createTemporaryDirectory, type TemporaryDirectory } from "../targets/test-support.ts";
import { findSet, listSets } from "./catalogue.ts";
import { toDocument } from "./documents.ts";
import { setKeys } from "./keys.ts";
import { newestFirst } from "./newest-first.ts";

const NEVER: AbortSignal = new AbortController().signal;
/** Begun first; its name is the key of somebody's lists, in the local time of the far east. */
const OF_LISTS = { set: "20260101180000", startedAt: "2026-01-01T09:00:00.000Z" };
const LATER = { set: "20260101100000", startedAt: "2026-01-01T10:00:00.000Z" };

let directory: TemporaryDirectory;
let target: Target;
beforeEach(async () => {
  directory = await createTemporaryDirectory();
  const url = pathToFileURL(join(directory.path, "store")).href;
  target = await openTarget({ url }, NEVER);
});
afterEach(async () => {
  await target[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

async function commit({ set, startedAt }: typeof LATER): Promise<void> {
  const about = { formatVersion: 1, set, cluster: "warehouse", plan: "nightly" } as const;
  const started = { ...about, producer: "gpcrondump", startedAt };
  const manifest: Manifest = {
    ...{ ...started, status: "committed", endedAt: "2026-01-01T11:00:00Z", streams: [] },
  };
  const keys = setKeys("warehouse", set);
  await target.putIfAbsent(keys.started, toDocument({ ...started, hosts: ["mdw"] }), NEVER);
  await target.putIfAbsent(keys.manifest, toDocument(manifest), NEVER);
}

const names = async (): Promise<string[]> =>
  (await newestFirst([{ target }], "warehouse", NEVER)).map(({ set }) => set);

test("a set is as new as its beginning, whatever its name is", async () => {
  const named = { name: "local", target };
  await commit(LATER);
  await commit(OF_LISTS);
  expect(await names()).toEqual([LATER.set, OF_LISTS.set]);
  const latest = await findSet([named], "warehouse", "LATEST", "nightly", NEVER);
  expect(latest.manifest.set).toBe(LATER.set);
  const { sets } = await listSets([named], "warehouse", () => Promise.resolve(false), NEVER);
  expect(sets.map(({ set }) => set)).toEqual([LATER.set, OF_LISTS.set]);
});

test("one whose beginning cannot be read is as new as its name says", async () => {
  await commit(LATER);
  const keys = ["20260101095959", "20260101100001"].map((set) => setKeys("warehouse", set));
  await target.putIfAbsent(keys[0]?.started ?? "", Buffer.from("{}"), NEVER);
  await target.putIfAbsent(keys[1]?.manifest ?? "", Buffer.from("{}"), NEVER);
  expect(await names()).toEqual(["20260101100001", LATER.set, "20260101095959"]);
});
