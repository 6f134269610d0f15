import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Manifest, PenstockError } from "@penstock/common";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Cancelled } from "../cancelled.ts";
import type { RunReport } from "../runs/report.ts";
import { createTemporaryDirectory, type TemporaryDirectory } from "../targets/test-support.ts";
import { notingOutcome } from "./noting-outcome.ts";
import { noteOutcome, readOutcomes } from "./outcome-files.ts";
import { mergeOutcomes, type PlanOutcome } from "./plan-outcome.ts";

let temporary: TemporaryDirectory;
let directory: string;
beforeEach(async () => {
  temporary = await createTemporaryDirectory();
  directory = temporary.path;
});
afterEach(() => temporary[Symbol.asyncDispose]());

const success = (plan: string, day: number): PlanOutcome => ({
  ...{ cluster: "warehouse", plan },
  success: {
    ...{ set: `202601${day}000000`, bytesRaw: 100, bytesStored: 40 },
    ...{ startedAt: `2026-01-${day}T00:00:00Z`, endedAt: `2026-01-${day}T00:10:00.500Z` },
  },
});
const failure = (plan: string, day: number): PlanOutcome => ({
  ...{ cluster: "warehouse", plan, failedAt: `2026-01-${day}T00:00:05Z` },
});
const text = (): Promise<string> => readFile(join(directory, "metrics.prom"), "utf8");

test("a plan keeps its last success when it fails, and its last failure when it succeeds", async () => {
  await noteOutcome(directory, success("nightly", 10));
  await noteOutcome(directory, failure("nightly", 11));
  const both = { ...success("nightly", 10), ...failure("nightly", 11) };
  expect(await readOutcomes(directory)).toEqual([both]);
  await noteOutcome(directory, success("nightly", 12));
  expect(await readOutcomes(directory)).toEqual([{ ...both, ...success("nightly", 12) }]);
});

test("the file tells of each plan when and how big, for Prometheus", async () => {
  const umask = process.umask(0o077);
  await noteOutcome(directory, success("nightly", 10));
  await noteOutcome(directory, failure("weekly", 11));
  process.umask(umask);
  expect((await stat(join(directory, "metrics.prom"))).mode & 0o777).toBe(0o644);
  const labels = '{cluster="warehouse",plan="nightly"}';
  expect(
    await text(),
  ).toBe(`# HELP penstock_last_success_timestamp_seconds When the plan's newest committed set was committed
# TYPE penstock_last_success_timestamp_seconds gauge
penstock_last_success_timestamp_seconds${labels} ${Date.UTC(2026, 0, 10, 0, 10) / 1000}.5

# HELP penstock_last_success_duration_seconds How long the run of that set took
# TYPE penstock_last_success_duration_seconds gauge
penstock_last_success_duration_seconds${labels} 600.5

# HELP penstock_last_success_raw_bytes Bytes that the tools of that set wrote
# TYPE penstock_last_success_raw_bytes gauge
penstock_last_success_raw_bytes${labels} 100

# HELP penstock_last_success_stored_bytes Bytes that are stored of them, on each target
# TYPE penstock_last_success_stored_bytes gauge
penstock_last_success_stored_bytes${labels} 40

# HELP penstock_last_failure_timestamp_seconds When a backup of the plan has last failed; a cancelled one has not
# TYPE penstock_last_failure_timestamp_seconds gauge
penstock_last_failure_timestamp_seconds{cluster="warehouse",plan="weekly"} ${Date.UTC(2026, 0, 11, 0, 0, 5) / 1000}
`);
});

test("plans whose runs end at one time are all in the file, and nothing else is left", async () => {
  const plans = Array.from({ length: 12 }, (_, index) => `plan${index}`);
  await Promise.all(plans.map((plan) => noteOutcome(directory, success(plan, 10))));
  const written = await text();
  for (const plan of plans) {
    expect(written).toContain(`last_success_raw_bytes{cluster="warehouse",plan="${plan}"} 100`);
  }
  expect((await readdir(directory)).sort()).toEqual(["metrics.prom", "outcomes"]);
  expect(await readdir(join(directory, "outcomes/warehouse"))).toHaveLength(12);
});

test("what cannot be read is passed over, and written anew", async () => {
  await mkdir(join(directory, "outcomes/warehouse"), { recursive: true });
  await writeFile(join(directory, "outcomes/warehouse/nightly.json"), "");
  await writeFile(join(directory, "outcomes/warehouse/weekly.json"), '{"plan": 7}');
  expect(await readOutcomes(directory)).toEqual([]);
  await noteOutcome(directory, success("nightly", 10));
  expect(await readOutcomes(directory)).toEqual([success("nightly", 10)]);
});

test("of what several know of a plan the newest counts", () => {
  const known = [success("a", 12), failure("a", 10), success("a", 11), failure("b", 10)];
  expect(mergeOutcomes(known)).toEqual([
    { ...success("a", 12), ...failure("a", 10) },
    failure("b", 10),
  ]);
});

describe("a backup", () => {
  const reports: RunReport[] = [];
  const context = () => ({
    ...{ cluster: "warehouse", plan: "nightly", runDirectory: directory },
    report: (report: RunReport) => void reports.push(report),
  });
  const manifest: Manifest = {
    ...{ formatVersion: 1, set: "20260110000000", cluster: "warehouse", plan: "nightly" },
    ...{ producer: "command", status: "committed", streams: [] },
    ...{ startedAt: "2026-01-10T00:00:00Z", endedAt: "2026-01-10T00:01:00Z" },
  };

  test("that is committed is noted, and that it could not be noted does not change it", async () => {
    expect(await notingOutcome(context(), async () => manifest)).toBe(manifest);
    expect(await text()).toContain('duration_seconds{cluster="warehouse",plan="nightly"} 60');
    await rm(join(directory, "outcomes"), { recursive: true });
    await writeFile(join(directory, "outcomes"), "");
    reports.length = 0;
    expect(await notingOutcome(context(), async () => manifest)).toBe(manifest);
    expect(reports).toEqual([
      { event: "warning", message: expect.stringContaining("metrics.prom was not written: ") },
    ]);
  });

  test.each([
    ["failed", new PenstockError("failed", "tool pg_dump: exit 1"), 1],
    ["cannot reach an agent", new PenstockError("unreachable", "agent sdw1"), 1],
    ["is cancelled", new Cancelled("SIGINT"), 0],
    ["finds its plan locked", new PenstockError("locked", "plan nightly"), 0],
    ["has nothing to go on with", new PenstockError("not_found", "run"), 0],
  ])("that %s throws on, and counts as it should", async (_, error, failures) => {
    await expect(notingOutcome(context(), () => Promise.reject(error))).rejects.toBe(error);
    expect(await readOutcomes(directory)).toHaveLength(failures);
  });
});
