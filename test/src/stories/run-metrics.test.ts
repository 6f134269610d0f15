import { appendFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Manifest } from "@penstock/common";
import { expect, test } from "vitest";
import { CLUSTER_NAME } from "../harness/cluster.ts";
import { freePort } from "../harness/free-port.ts";
import { Wire } from "../harness/wire.ts";
import { metricsPortOf, Scrape, scrape, untilScraped } from "./scrape.ts";
import { copyPlan } from "./shell-plan.ts";
import { expectFailure, openStage } from "./stage.ts";
import { ENDLESS, WatchedPlan } from "./watched-plan.ts";

const agentSettings = { metrics: { listen: "127.0.0.1:0" } };
const stage = openStage({ hosts: ["sdw1", "sdw2"], agentSettings });
const nightly = new WatchedPlan(stage);
const MiB = 1024 * 1024;
const THREE = "head -c 3M /dev/zero > {root}/{set}/app.pipe";
const RUN = `cluster="${CLUSTER_NAME}",plan="nightly",kind="backup"`;
const PLAN = `{cluster="${CLUSTER_NAME}",plan="nightly"}`;
const WEEKLY = PLAN.replace("nightly", "weekly");

test("a run tells how far it is while it goes on, and what its plan's last set was", async () => {
  const last = await backUp(THREE);
  const port = await freePort();
  await nightly.configure(ENDLESS, { throttle: "100MiB/s" });
  await serveMetricsAt(port);
  await using child = await nightly.startFlowing();
  const set = await nightly.setOf(child);

  const [before] = await nightly.status();
  const scraped = await untilScraped(
    port,
    (found) => found.get(`penstock_run_expected_bytes{${RUN}}`) !== undefined,
    "an expectation",
    stage,
  );
  const [after] = await nightly.status();
  expect(scraped.get(`penstock_run_info{${RUN},set="${set}",version="0.1.0"}`)).toBe(1);
  expect(scraped.get(`penstock_run_streams{${RUN},state="flowing"}`)).toBe(2);
  expect(scraped.get(`penstock_run_streams{${RUN},state="failed"}`)).toBe(0);
  const moved = scraped.get(`penstock_run_stored_bytes_total{${RUN}}`);
  expect(moved).toBeGreaterThanOrEqual(before?.bytes ?? Number.NaN);
  expect(moved).toBeLessThanOrEqual(after?.bytes ?? Number.NaN);
  expect(scraped.get(`penstock_run_expected_bytes{${RUN}}`)).toBe(6 * MiB);
  expect(scraped.get(`penstock_run_throttle_bytes_per_second{${RUN}}`)).toBe(100 * MiB);
  expect(scraped.get(`penstock_run_reconnects_total{${RUN}}`)).toBeGreaterThanOrEqual(0);
  expect(scraped.get("process_resident_memory_bytes")).toBeGreaterThan(MiB);
  expectLastSet(scraped, last);

  await stage.ok("cancel", "nightly");
  await child.outcome;
  await expect(scrape(port, stage.signal)).rejects.toThrow();
});

test("a connection that is lost and comes back is counted on both sides", async () => {
  const { address, child: agent } = stage.cluster.host("sdw1");
  await using wire = await Wire.start(address);
  const port = await freePort();
  await nightly.configure(ENDLESS);
  await serveMetricsAt(port);
  const configuration = await readFile(stage.cluster.configFile, "utf8");
  await writeFile(stage.cluster.configFile, configuration.replace(address, wire.address));
  await using child = await nightly.startFlowing();
  wire.cut();
  const ofRun = `penstock_run_reconnects_total{${RUN}}`;
  // A busy machine may lose one of its own.
  await untilScraped(port, (found) => (found.get(ofRun) ?? 0) > 0, "a reconnect", stage);
  const ofAgent = await scrape(await metricsPortOf(agent, stage.signal), stage.signal);
  expect(ofAgent.get('penstock_agent_reconnects_total{direction="backup"}')).toBeGreaterThan(0);
  await stage.ok("cancel", "nightly");
  await child.outcome;
});

test("a second run at one address goes on without metrics, and says so", async () => {
  const port = await freePort();
  await nightly.configure(ENDLESS);
  await serveMetricsAt(port);
  await using first = await nightly.startFlowing();
  for (const host of ["sdw1", "sdw2"]) await stage.put(host, "in", "x");
  const weekly = copyPlan(stage, ["sdw1", "sdw2"]);
  await stage.cluster.configure({ plans: { weekly } });
  await serveMetricsAt(port);
  const second = await stage.penstock("backup", "weekly");
  expect(second).toMatchObject({ status: 0 });
  const words = "its metrics are not served: metrics.listen: cannot listen at";
  expect(second.stderr).toMatch(
    new RegExp(`^warning: run \\d+: ${words} 127.0.0.1:${port}: `, "m"),
  );
  const scraped = await scrape(port, stage.signal);
  expect(scraped.get(`penstock_run_streams{${RUN},state="flowing"}`)).toBe(2);
  await stage.ok("cancel", "nightly");
  await first.outcome;
});

test("what the plans of a host last came to can be read when no run goes on", async () => {
  const last = await backUp(THREE);
  expectLastSet(await readPrometheusFile(), last);

  await nightly.configure("exit 3");
  await stage.fails(1, [], "backup", "nightly");
  const failed = await readPrometheusFile();
  expectLastSet(failed, last);
  const failedAt = failed.get(`penstock_last_failure_timestamp_seconds${PLAN}`);
  expect(failedAt).toBeGreaterThanOrEqual(Date.parse(last.endedAt) / 1000);

  await nightly.configure(ENDLESS);
  await using cancelled = await nightly.startFlowing();
  expectFailure(await stage.penstock("backup", "nightly"), 5, ["nightly is locked"]);
  await stage.ok("cancel", "nightly");
  await cancelled.outcome;
  expect((await readPrometheusFile()).text).toBe(failed.text);
  expect(await readdir(stage.cluster.runDirectory)).toEqual(["metrics.prom", "outcomes", "runs"]);
});

test("an agent that cannot be reached is a failure of the plan, and other plans keep theirs", async () => {
  await stage.cluster.configure({ plans: { weekly: copyPlan(stage, ["sdw1"]) } });
  await stage.put("sdw1", "in", "x");
  await stage.backup("weekly");
  await nightly.configure(THREE);
  const before = await readPrometheusFile();
  const { child } = stage.cluster.host("sdw2");
  await child.stop();
  await stage.fails(6, ["sdw2"], "backup", "nightly");
  await stage.cluster.host("sdw2").start(stage.signal);
  const after = await readPrometheusFile();
  const failure = `penstock_last_failure_timestamp_seconds${PLAN}`;
  expect(after.get(failure)).toBeGreaterThan(before.get(failure) ?? 0);
  const success = `penstock_last_success_timestamp_seconds${WEEKLY}`;
  expect(after.get(success)).toBeGreaterThan(0);
  expect(after.get(success)).toBe(before.get(success));
});

/** A backup of the plan that must succeed. */
async function backUp(script: string): Promise<Manifest> {
  await nightly.configure(script);
  return await stage.backup("nightly");
}

/** Adds `metrics` to the configuration as it is. */
async function serveMetricsAt(port: number): Promise<void> {
  await appendFile(stage.cluster.configFile, `metrics: {listen: "127.0.0.1:${port}"}\n`);
}

async function readPrometheusFile(): Promise<Scrape> {
  return new Scrape(await readFile(join(stage.cluster.runDirectory, "metrics.prom"), "utf8"));
}

function expectLastSet(scraped: Scrape, { startedAt, endedAt, streams }: Manifest): void {
  const stored = streams.reduce((sum, { bytesStored }) => sum + bytesStored, 0);
  const raw = streams.reduce((sum, { bytesRaw }) => sum + bytesRaw, 0);
  const last = (what: string): number | undefined =>
    scraped.get(`penstock_last_success_${what}${PLAN}`);
  expect(last("timestamp_seconds")).toBe(Date.parse(endedAt) / 1000);
  expect(last("duration_seconds")).toBeCloseTo(
    (Date.parse(endedAt) - Date.parse(startedAt)) / 1000,
  );
  expect(last("stored_bytes")).toBe(stored);
  expect(last("raw_bytes")).toBe(raw);
}
