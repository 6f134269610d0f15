import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { untilFound } from "../harness/until.ts";
import { Wire } from "../harness/wire.ts";
import { ONE_PIPE, toPlan } from "../stories/shell-plan.ts";
import { openStage } from "../stories/stage.ts";

const stage = openStage({ hosts: ["sdw1", "sdw2"] });

/** Says that it was started, writes its stream, and ends when it may. */
const TOOL = `echo started >> {data}/starts; echo rows > {root}/{set}/dump.log; \
  seq 1 1000 > {root}/{set}/app.pipe; until [ -e {data}/go ]; do sleep 0.05; done`;

/** One tool at a time, the first host's first; the second host is behind the wire. */
async function configure(hosts: readonly string[], wires: Record<string, Wire>): Promise<void> {
  const plan = { hosts, streams: ONE_PIPE, backup: TOOL, files: ["{root}/{set}/*.log"] };
  const settings = { compression: "none", limits: { total: 1 } };
  const { cluster } = stage;
  await cluster.configure({ plans: { nightly: toPlan(stage, { ...plan, settings }) } });
  let text = await readFile(cluster.configFile, "utf8");
  for (const [host, { address }] of Object.entries(wires)) {
    text = text.replace(cluster.host(host).address, address);
  }
  await writeFile(cluster.configFile, text);
}

test("a tool whose start was not answered is found running, and is not started again", async () => {
  await using wire = await Wire.start(stage.cluster.host("sdw2").address);
  await configure(["sdw1", "sdw2"], { sdw2: wire });
  await stage.put("sdw2", "go", "");
  await using command = await stage.startPenstock("backup", "nightly", "-o", "json");
  await command.stdout.waitFor(/"event":"tool"/, stage.signal);
  wire.loseAnswers();
  await stage.put("sdw1", "go", "");
  const { signal } = stage;
  const starts = (): Promise<string | undefined> => startsOn("sdw2");
  await untilFound(starts, "the tool of sdw2", signal);
  wire.cut();
  const { status, stdout, stderr } = await command.outcome;
  expect(status, stderr).toBe(0);
  expect(await starts()).toBe("started\n");
  expect(timesAccepted("StartTool", "sdw2")).toBeGreaterThanOrEqual(2);
  expect(stdout).toMatch(/"event":"warning","message":"agent sdw2 \([^"]*; trying again"/);
  expect(stdout).toMatch(/"event":"reconnect","stream":"app-sdw2"/);
  expect(await pipesAndTools()).toEqual([]);
});

test("a run commits though its connections are cut while each of its commands is done", async () => {
  await using wire = await Wire.start(stage.cluster.host("sdw1").address);
  await configure(["sdw1"], { sdw1: wire });
  const before = await startsOn("sdw1");
  const cut = cutDuringCommands(wire, "sdw1", stage.signal);
  const { streams } = await stage.backup("nightly");
  expect(await cut).toBeGreaterThan(3);
  expect(streams.map(({ name }) => name).sort()).toEqual(["app-sdw1", "sdw1.dump.log"]);
  expect(await startsOn("sdw1")).toBe(`${before}started\n`);
  await stage.ok("verify", "LATEST");
  expect(await pipesAndTools()).toEqual([]);
});

const COMMAND = /"method":"[^"]*\/(BeginRun|Prepare|StartTool|FindFiles|ReleaseRun|AbortRun)"/;

/**
 * Cuts when the agent has accepted a command, but lets the next one of the kind, its repetition, be
 * answered. Ends with the run: returns how often it has cut.
 */
async function cutDuringCommands(wire: Wire, host: string, signal: AbortSignal): Promise<number> {
  const { stdout } = stage.cluster.host(host).child;
  const accepted = new Map<string, number>();
  let seen = stdout.text.length;
  for (let cuts = 0; ; ) {
    const next = new RegExp(`^[^]{${seen}}[^]*?${COMMAND.source}`);
    const [{ length }, command = ""] = await stdout.waitFor(next, signal);
    if (/^(Release|Abort)Run$/.test(command)) return cuts;
    seen = length;
    const times = (accepted.get(command) ?? 0) + 1;
    accepted.set(command, times);
    if (times % 2 === 0) continue; // an answer that was faster has no repetition
    wire.cut();
    cuts += 1;
  }
}

async function startsOn(host: string): Promise<string | undefined> {
  return await readFile(join(stage.dataOf(host), "starts"), "utf8").catch(() => undefined);
}

/** What must not be left; the tool's own files are not the run's. */
async function pipesAndTools(): Promise<string[]> {
  return (await stage.cluster.leftOvers()).filter((each) => /^(pipe|process) /.test(each));
}

/** By the agent's audit log. */
function timesAccepted(method: string, host: string): number {
  const { text } = stage.cluster.host(host).child.stdout;
  return text.split(`/${method}"`).length - 1;
}
