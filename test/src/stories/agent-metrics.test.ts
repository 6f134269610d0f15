import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { AgentHost } from "../harness/agent-host.ts";
import { CLUSTER_NAME } from "../harness/cluster.ts";
import { metricsPortOf, type Scrape, scrape, untilScraped } from "./scrape.ts";
import { toPlan } from "./shell-plan.ts";
import { openStage, type Stage } from "./stage.ts";

const MiB = 1024 * 1024;
const BACKUP = 'direction="backup"';
const RESTORE = 'direction="restore"';
const TWO_PIPES = ["a", "b"].map((name) => ({
  ...{ name, kind: "fifo", path: `{root}/{set}/${name}.pipe` },
}));
/** Both pipes have their bytes at once; `a` is held open until there is a file `go`. */
const HELD = `(head -c 3M /dev/urandom; until [ -e {data}/go ]; do sleep 0.05; done) > {root}/{set}/a.pipe &
  head -c 5M /dev/urandom > {root}/{set}/b.pipe; wait`;
const TAKEN = "cat {root}/{set}/a.pipe > /dev/null; cat {root}/{set}/b.pipe > /dev/null";

describe.each([1, 2])("an agent with %i threads", (threads) => {
  const agentSettings = { threads, metrics: { listen: "127.0.0.1:0" } };
  const stage = openStage({ hosts: ["sdw1"], agentSettings });
  const now = async (): Promise<Scrape> => scrape(await portOf(stage), stage.signal);
  const until = async (isSo: (scraped: Scrape) => boolean, what: string): Promise<Scrape> =>
    untilScraped(await portOf(stage), isSo, what, stage);

  test("says what it is, and that it has done nothing yet", async () => {
    const scraped = await now();
    const info = `penstock_agent_info{agent="sdw1",cluster="${CLUSTER_NAME}",version="0.1.0"}`;
    expect(scraped.get(info)).toBe(1);
    expect(scraped.get("penstock_agent_runs")).toBe(0);
    expect(scraped.get(`penstock_agent_raw_bytes_total{${BACKUP}}`)).toBe(0);
    expect(scraped.get('penstock_agent_tool_exits_total{tool="sh",result="ok"}')).toBe(0);
    expect(scraped.get("penstock_agent_replay_buffer_budget_bytes")).toBe(1024 * MiB);
    expect(scraped.get("penstock_agent_replay_buffer_limit_bytes")).toBe(0);
    expect(scraped.get("process_resident_memory_bytes")).toBeGreaterThan(MiB);
    expect(scraped.get("process_open_fds")).toBeGreaterThan(0);
  });

  test("tells of a backup while it runs and afterwards, in the numbers of its manifest", async () => {
    await configure(stage, HELD, TAKEN);
    await using backup = await stage.startPenstock("backup", "nightly", "-o", "json");
    const during = await until(
      (scraped) => scraped.get(`penstock_agent_raw_bytes_total{${BACKUP}}`) === 8 * MiB,
      "all bytes to be read",
    );
    expect(during.get("penstock_agent_runs")).toBe(1);
    expect(during.get("penstock_agent_tools_running")).toBe(1);
    expect(during.get(`penstock_agent_streams{${BACKUP},state="flowing"}`)).toBeGreaterThan(0);
    expect(during.get(`penstock_agent_streams{${BACKUP},state="failed"}`)).toBe(0);

    await stage.put("sdw1", "go", "");
    expect(await backup.outcome).toMatchObject({ status: 0 });
    const after = await until((scraped) => scraped.get("penstock_agent_runs") === 0, "its end");
    const manifest = JSON.parse(backup.stdout.text.trimEnd().split("\n").at(-1) ?? "");
    const stored = sumStored(manifest.streams);
    expect(stored).toBeGreaterThan(8 * MiB); // random bytes grow a little
    expect(after.get(`penstock_agent_raw_bytes_total{${BACKUP}}`)).toBe(8 * MiB);
    expect(after.get(`penstock_agent_stored_bytes_total{${BACKUP}}`)).toBe(stored);
    expect(after.get(`penstock_agent_reconnects_total{${BACKUP}}`)).toBeGreaterThanOrEqual(0);
    expect(after.get("penstock_agent_replay_buffer_bytes")).toBe(0);
    expect(after.get("penstock_agent_tools_running")).toBe(0);
    expect(after.get('penstock_agent_tool_exits_total{tool="sh",result="ok"}')).toBe(1);
    expect(after.get('penstock_agent_runs_ended_total{reason="released"}')).toBe(1);
    for (const state of ["waiting", "flowing", "done", "failed"]) {
      expect(after.get(`penstock_agent_streams{${BACKUP},state="${state}"}`)).toBe(0);
    }
  });

  test("counts what a restore gives back, beside what the backup took", async () => {
    await configure(stage, HELD, TAKEN);
    await stage.put("sdw1", "go", "");
    const before = await now();
    const { streams } = await stage.backup("nightly");
    await stage.ok("restore", "nightly", "--set", "LATEST");
    const after = await until((scraped) => scraped.get("penstock_agent_runs") === 0, "its end");
    const restored = (name: string): number =>
      (after.get(`${name}{${RESTORE}}`) ?? 0) - (before.get(`${name}{${RESTORE}}`) ?? 0);
    expect(restored("penstock_agent_raw_bytes_total")).toBe(8 * MiB);
    expect(restored("penstock_agent_stored_bytes_total")).toBe(sumStored(streams));
    expect(after.get(`penstock_agent_raw_bytes_total{${BACKUP}}`)).toBe(
      8 * MiB + (before.get(`penstock_agent_raw_bytes_total{${BACKUP}}`) ?? 0),
    );
  });

  test("counts tools that fail or are killed, and runs that are given up", async () => {
    const before = await now();
    await configure(stage, "exit 3", TAKEN);
    await stage.fails(1, [], "backup", "nightly");
    await configure(stage, "kill -9 $$", TAKEN);
    await stage.fails(1, [], "backup", "nightly");
    const after = await until((scraped) => scraped.get("penstock_agent_runs") === 0, "their end");
    const added = (series: string): number => (after.get(series) ?? 0) - (before.get(series) ?? 0);
    expect(added('penstock_agent_tool_exits_total{tool="sh",result="error"}')).toBe(1);
    expect(added('penstock_agent_tool_exits_total{tool="sh",result="signal"}')).toBe(1);
    expect(added('penstock_agent_runs_ended_total{reason="aborted"}')).toBe(2);
  });

  test("tells streams that flow from those that wait for their tool, and counts leases that end", async () => {
    const tool = "(echo; exec sleep 1000) > {root}/{set}/a.pipe";
    await configure(stage, tool, TAKEN, { lease: "4s" });
    await using backup = await stage.startPenstock("backup", "nightly", "-o", "json");
    const state = `penstock_agent_streams{${BACKUP},state="flowing"}`;
    const flowing = await until((scraped) => scraped.get(state) === 1, "a stream to be opened");
    expect(flowing.get(`penstock_agent_streams{${BACKUP},state="waiting"}`)).toBe(1);
    expect(flowing.get("penstock_agent_replay_buffer_limit_bytes")).toBe(2 * 64 * MiB);
    backup.kill("SIGKILL");
    const ended = 'penstock_agent_runs_ended_total{reason="lease"}';
    await until((scraped) => scraped.get(ended) === 1, "the lease to end");
  });

  test("does not start on an address that is taken, and names the key", async () => {
    const listen = `127.0.0.1:${await portOf(stage)}`;
    const options = {
      ...{ name: "sdw1", cluster: CLUSTER_NAME, tools: {}, settings: { metrics: { listen } } },
      ...{ dir: join(stage.dir, "second"), certificates: join(stage.dir, "pki") },
    };
    const message = `error: metrics.listen: cannot listen at ${listen}: `;
    await expect(AgentHost.start(options, stage.signal)).rejects.toThrow(message);
  });
});

async function configure(
  stage: Stage,
  backup: string,
  restore: string,
  settings: object = {},
): Promise<void> {
  const plan = toPlan(stage, {
    ...{ hosts: ["sdw1"], streams: TWO_PIPES, backup, restore },
    settings: { compression: "gzip", ...settings },
  });
  await stage.cluster.configure({ plans: { nightly: plan } });
}

async function portOf(stage: Stage): Promise<number> {
  return await metricsPortOf(stage.cluster.host("sdw1").child, stage.signal);
}

function sumStored(streams: readonly { readonly bytesStored: number }[]): number {
  return streams.reduce((sum, { bytesStored }) => sum + bytesStored, 0);
}
