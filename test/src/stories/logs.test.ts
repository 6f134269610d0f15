import { join } from "node:path";
import { expect, test } from "vitest";
import type { Child } from "../harness/child.ts";
import { ONE_PIPE, toPlan } from "./shell-plan.ts";
import { expectFailure, openStage } from "./stage.ts";

const HOSTS = ["sdw1", "sdw2"];
const stage = openStage({ hosts: HOSTS });

/** A line of a run's log, as far as a test asks. */
interface Line {
  readonly time: string;
  readonly level: string;
  readonly msg: string;
  readonly run: string;
  readonly host?: string;
  readonly stream?: string;
  readonly line?: string;
  readonly error?: string;
  readonly status?: string;
  readonly exitCode?: string;
}

async function configure(
  backup: string,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const common = { hosts: HOSTS, streams: ONE_PIPE, backup };
  await stage.cluster.configure({ plans: { nightly: toPlan(stage, { ...common, settings }) } });
}

const toLines = (text: string): Line[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

async function logOf(run: string): Promise<Line[]> {
  return toLines(await stage.ok("logs", run, "-o", "json"));
}

async function setOf(child: Child): Promise<string> {
  const [started] = await child.stdout.waitFor(/{"event":"started".*/, stage.signal);
  return JSON.parse(started).set;
}

test("the log of a good run tells what the controller and the agents have seen, in ISO times", async () => {
  await configure('echo "rows of $STORY" >&2; seq 1 1000 > {root}/{set}/app.pipe');
  const { set } = await stage.backup("nightly");
  const lines = await logOf(set);
  expect(lines[0]).toMatchObject({ msg: "run opened", run: set, plan: "nightly", kind: "backup" });
  expect(lines.at(-1)).toMatchObject({ msg: "run ended", status: "committed", streams: 2 });
  for (const { run, time } of lines) {
    expect(run).toBe(set);
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  }
  for (const host of HOSTS) {
    const own = lines.filter((line) => line.host === host);
    for (const msg of ["tool started", "tool says", "tool exited"]) {
      expect(own).toContainEqual(expect.objectContaining({ level: "info", msg, tool: "sh" }));
    }
    const stream = `app-${host}`;
    for (const msg of ["stream attached", "stream done"]) {
      expect(own).toContainEqual(expect.objectContaining({ level: "info", msg, stream }));
    }
  }
  expect(lines.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);

  const text = await stage.ok("logs", "LATEST");
  expect(text.trimEnd().split("\n")).toHaveLength(lines.length);
  expect(text).toMatch(/^\S+Z INFO {2}sdw1 - tool says tool=sh line="rows of "$/m);
  expect(text).toMatch(/^\S+Z INFO {2}sdw1 app-sdw1 stream done bytes=\d+/m);
});

test("a failed run prints one error, and its log has the tool's last words and one root cause", async () => {
  // The other host's tool would write for ever: it is stopped, and its stream ends in mid-air.
  const up = join(stage.dir, "up");
  const forever = `trap 'echo last words >&2; exit 9' TERM; touch ${up}; cat /dev/zero`;
  const untilUp = `until [ -e ${up} ]; do sleep 0.05; done`;
  const fail = `${untilUp}; seq 1 1000; echo 'no space in tablespace' >&2; exit 3`;
  const script = `if [ {host} = sdw2 ]; then ${fail}; else ${forever}; fi > {root}/{set}/app.pipe`;
  await configure(script, { compression: "none" });
  const outcome = await stage.penstock("backup", "nightly");
  expectFailure(outcome, 1, ["sh on sdw2 exited with status 3", "no space in tablespace"]);
  const said = outcome.stderr
    .split("\n")
    .filter((line) => /error|warning|stream|abort/i.test(line));
  expect(said.filter((line) => !/streams done/.test(line))).toEqual([
    "error: sh on sdw2 exited with status 3; it said:",
  ]);

  const lines = await logOf("LATEST");
  const says = { host: "sdw2", msg: "tool says", line: "no space in tablespace" };
  expect(lines).toContainEqual(expect.objectContaining(says));
  const errors = lines.filter(({ level }) => level === "error");
  expect(errors).toMatchObject([
    { msg: "run failed", error: expect.stringContaining("sh on sdw2 exited with status 3") },
  ]);
  const rest = lines.slice(lines.indexOf(errors[0] as Line) + 1);
  expect(rest.map(({ level }) => level)).not.toContain("warn");
  const stopped = rest.filter(({ host }) => host === "sdw1");
  for (const own of [
    { msg: "tool says", line: "last words" },
    { msg: "tool exited", exitCode: "9" },
  ])
    expect(stopped).toContainEqual(expect.objectContaining({ level: "info", ...own }));
  expect(rest.filter(({ msg }) => msg === "run aborted").map(({ host }) => host)).toEqual(
    expect.arrayContaining(HOSTS),
  );
  expect(rest.at(-1)).toMatchObject({ msg: "run ended", status: "failed" });
  expect(rest).toContainEqual(expect.objectContaining({ level: "debug", stream: "app-sdw1" }));
});

test("a cancelled run's log says who asked", async () => {
  await configure("cat /dev/zero > {root}/{set}/app.pipe");
  await using backup = await stage.startPenstock("backup", "nightly", "-o", "json");
  const set = await setOf(backup);
  await using follow = await stage.startPenstock("logs", set, "--follow", "-o", "json");
  await follow.stdout.waitFor(/"msg":"tool started"/, stage.signal);
  await stage.ok("cancel", set);
  await backup.outcome;

  const outcome = await follow.outcome;
  expect(outcome).toMatchObject({ status: 0 });
  expect(toLines(outcome.stdout)).toEqual(await logOf(set));
  const lines = toLines(outcome.stdout);
  expect(lines).toContainEqual(expect.objectContaining({ msg: "cancellation asked for" }));
  expect(lines.filter(({ level }) => level === "warn")).toMatchObject([
    { msg: "run cancelled", error: expect.stringContaining("through penstock cancel") },
  ]);
  expect(lines.at(-1)).toMatchObject({ msg: "run ended", status: "cancelled" });
});

test("following a log ends when it is interrupted, and the run goes on", async () => {
  await configure("cat /dev/zero > {root}/{set}/app.pipe");
  await using backup = await stage.startPenstock("backup", "nightly", "-o", "json");
  const set = await setOf(backup);
  await using follow = await stage.startPenstock("logs", set, "--follow");
  await follow.stdout.waitFor(/ tool started /, stage.signal);
  follow.kill("SIGINT");
  const outcome = await follow.outcome;
  expect(outcome).toMatchObject({ status: 130, stderr: "error: cancelled by SIGINT\n" });
  expect(backup.isRunning).toBe(true);
  backup.kill("SIGINT");
  await backup.outcome;
});

test("a run that another process goes on with has one log, with each line of an agent once", async () => {
  const rows = (numbers: string): string =>
    `for i in ${numbers}; do echo row $i; echo at $i >&2; done`;
  const slow = `${rows("1 2 3")}; until [ -e {data}/go ]; do sleep 0.05; done; ${rows("4 5 6")}`;
  await configure(`(${slow}) > {root}/{set}/app.pipe`);
  await using killed = await stage.startPenstock("backup", "nightly", "-o", "json");
  const set = await setOf(killed);
  for (const host of HOSTS) {
    await killed.stdout.waitFor(new RegExp(`"event":"tool",.*"host":"${host}"`), stage.signal);
  }
  killed.kill("SIGKILL");
  await killed.outcome;
  for (const host of HOSTS) await stage.put(host, "go", "");
  await stage.ok("backup", "--resume", set);

  const lines = await logOf(set);
  expect(lines.filter(({ msg }) => msg === "run opened")).toHaveLength(2);
  for (const host of HOSTS) {
    const said = lines.filter((line) => line.host === host && line.msg === "tool says");
    expect(said.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5, 6].map((row) => `at ${row}`));
  }
  expect(lines.at(-1)).toMatchObject({ msg: "run ended", status: "committed" });
});

test("a tool that says very much does not fill the log, and the run is not held up by it", async () => {
  await configure("seq 1 200000 >&2; seq 1 1000 > {root}/{set}/app.pipe");
  const { set } = await stage.backup("nightly");
  const said = (await logOf(set)).filter(({ msg }) => msg === "tool says");
  expect(said.length).toBeGreaterThan(50);
  expect(said.length).toBeLessThan(5_000);
  expect(said.some(({ line }) => /lines left out/.test(line ?? ""))).toBe(true);
});

test("what a tool says cannot steer the terminal", async () => {
  await configure(`printf '\\033[2Jgone\\n' >&2; seq 1 1000 > {root}/{set}/app.pipe`);
  const { set } = await stage.backup("nightly");
  const text = await stage.ok("logs", set);
  expect(text).toMatch(/tool says tool=sh line=\S*gone$/m);
  expect(text).not.toContain("\u001b");
});

test("runs are named by themselves, their set or their plan; what is not there is said, with what is", async () => {
  const set = (await logOf("LATEST"))[0]?.run ?? "";
  const several = await stage.penstock("logs", "nightly");
  expectFailure(several, 2, ["nightly names several runs: ", set, "hint: name one of them"]);
  const none = await stage.penstock("logs", "20200101000000");
  expectFailure(none, 7, ["no run of this host is called 20200101000000; there are: ", set]);
});
