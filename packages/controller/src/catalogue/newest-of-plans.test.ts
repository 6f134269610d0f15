import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Manifest } from "@penstock/common";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Target } from "../targets/target.ts";
import { openTarget } from "../targets/targets.ts";
import { createTemporaryDirectory, type TemporaryDirectory } from "../targets/test-support.ts";
import { toDocument } from "./documents.ts";
import { setKeys } from "./keys.ts";
import { newestOfPlans } from "./newest-of-plans.ts";

const NEVER: AbortSignal = new AbortController().signal;

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

/** The sets that are found, by plan. */
async function newest(...plans: string[]): Promise<Record<string, string>> {
  const found = await newestOfPlans(target, "warehouse", plans, NEVER);
  return Object.fromEntries(found.map(({ plan, set }) => [plan, set]));
}

async function commit(plan: string, set: string): Promise<void> {
  const manifest: Manifest = {
    ...{ formatVersion: 1, set, cluster: "warehouse", plan, producer: "command", streams: [] },
    ...{ status: "committed", startedAt: "2026-01-01T00:00:00Z", endedAt: "2026-01-01T00:01:00Z" },
  };
  await put(setKeys("warehouse", set).manifest, toDocument(manifest));
}

async function put(key: string, body: Buffer): Promise<void> {
  expect(await target.putIfAbsent(key, body, NEVER)).toBe(true);
}

test("of each plan that is asked for the newest committed set is found", async () => {
  await commit("nightly", "20260101000000");
  await commit("nightly", "20260103000000");
  await commit("weekly", "20260102000000");
  await commit("other", "20260104000000");
  expect(await newest("weekly", "nightly", "never")).toEqual({
    ...{ nightly: "20260103000000", weekly: "20260102000000" },
  });
  expect(await newest()).toEqual({});
});

test("a failed set is none, and a damaged one does not hide an older one", async () => {
  await commit("nightly", "20260101000000");
  await put(setKeys("warehouse", "20260102000000").failed, Buffer.from("{}"));
  await put(setKeys("warehouse", "20260103000000").manifest, Buffer.from("{}"));
  expect(await newest("nightly")).toEqual({ nightly: "20260101000000" });
});

test("a plan that has none among the newest hundred sets is not looked for any further", async () => {
  await commit("yearly", "20250101000000");
  for (let set = 0; set < 99; set++) await commit("nightly", `${20_260_101_000_000 + set}`);
  expect(await newest("yearly")).toEqual({ yearly: "20250101000000" });
  await commit("nightly", "20270101000000");
  expect(await newest("yearly", "nightly")).toEqual({ nightly: "20270101000000" });
});
