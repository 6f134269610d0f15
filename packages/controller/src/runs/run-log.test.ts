import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PenstockError } from "@penstock/common";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Cancelled } from "../cancelled.ts";
import { LogFile, readLog } from "./log-file.ts";
import { readAbout, readEnd, readNumbers } from "./read-run.ts";
import type { StreamState } from "./report.ts";
import type { RunFolder } from "./run-folder.ts";
import { RunLog } from "./run-log.ts";
import type { RunAbout } from "./run-snapshot.ts";

const never = new AbortController().signal;
const ABOUT: RunAbout = {
  ...{ run: "20261120104512", set: "20261120104512", plan: "nightly", cluster: "warehouse" },
  ...{ kind: "backup", pid: 1, startedAt: "2026-11-20T10:45:12.000Z" },
};

let folder: RunFolder;
beforeEach(async () => {
  const path = await mkdtemp(join(tmpdir(), "penstock-"));
  folder = { cluster: "warehouse", run: ABOUT.run, path };
});
afterEach(() => rm(folder.path, { recursive: true }));

/** What a log that was used so holds, after its first line. */
async function linesAfter(
  use: (log: RunLog) => void,
  numbers: ReadonlyMap<string, number> = new Map(),
): Promise<Record<string, unknown>[]> {
  using file = new LogFile(folder, (cause) => expect.unreachable(String(cause)));
  use(new RunLog(file, ABOUT, "1.0.0", numbers));
  const text = await readFile(join(folder.path, "log.jsonl"), "utf8");
  const [, ...lines] = text.trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line));
}

const stream = (state: StreamState, bytes: number) =>
  ({ event: "stream", stream: "app", host: "sdw1", state, bytes }) as const;

test("a log says what its run is, and how it has ended", async () => {
  expect(await readAbout(folder)).toBeUndefined();
  await linesAfter((log) => log.write("info", {}, "something"));
  expect(await readAbout(folder)).toEqual(ABOUT);
  expect(await readEnd(folder)).toBeUndefined();
  await linesAfter((log) => log.ended("committed"));
  expect(await readEnd(folder)).toBe("committed");
});

test("of a stream each state is told once, its milestones for who reads only what matters", async () => {
  const lines = await linesAfter((log) => {
    for (const state of ["attached", "flowing", "flowing", "flowing", "done"] as const) {
      log.take(stream(state, 7));
    }
  });
  const said = lines.map(({ level, msg, host, stream: name }) => [level, msg, host, name]);
  expect(said).toEqual([
    ["info", "stream attached", "sdw1", "app"],
    ["debug", "stream flowing", "sdw1", "app"],
    ["info", "stream done", "sdw1", "app"],
  ]);
});

test("an agent's line has the agent's name and time, and cannot pass for another run's or host's", async () => {
  const fields = {
    tool: "sh",
    line: "hello",
    run: "x",
    host: "x",
    msg: "x",
    time: "x",
    level: "x",
  };
  const [line] = await linesAfter((log) =>
    log.line({ host: "sdw1", number: 4, atMs: 0, level: "info", message: "tool says", fields }),
  );
  const time = "1970-01-01T00:00:00.000Z";
  expect(line).toEqual({
    ...{ level: "info", time, run: ABOUT.run, host: "sdw1", number: 4 },
    ...{ tool: "sh", line: "hello", msg: "tool says" },
  });
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, 1e300])(
  "a time %d of an agent is ours",
  async (atMs) => {
    const [line] = await linesAfter((log) =>
      log.line({ host: "sdw1", number: 4, atMs, level: "shout", message: "said", fields: {} }),
    );
    expect(line).toMatchObject({ level: "info", host: "sdw1", msg: "said" });
    const { time } = line as { time: string };
    expect(Date.parse(time)).toBeGreaterThan(0);
  },
);

test("who goes on with a log writes no line of an agent twice", async () => {
  const tell = (log: RunLog, host: string, number: number): boolean =>
    log.line({ host, number, atMs: 0, level: "info", message: `${number}`, fields: {} });
  await linesAfter((log) => {
    tell(log, "sdw1", 1);
    tell(log, "sdw1", 5);
  });
  const numbers = await readNumbers(folder);
  const lines = await linesAfter((log) => {
    expect([1, 5, 6].map((number) => tell(log, "sdw1", number))).toEqual([false, false, true]);
    expect(tell(log, "sdw2", 1)).toBe(true);
  }, numbers);
  const told = lines.filter(({ number }) => number !== undefined);
  expect(told.map(({ host, msg }) => `${host} ${msg}`)).toEqual([
    ...["sdw1 1", "sdw1 5", "sdw1 6", "sdw2 1"],
  ]);
});

test("after the root cause of a failure nothing is a warning or an error", async () => {
  const lines = await linesAfter((log) => {
    log.take({ event: "reconnect", stream: "app", host: "sdw1", cause: "reset" });
    log.failed(new PenstockError("damaged", "object x is not what was stored", { hint: "see y" }));
    log.take({ event: "warning", message: "late" });
    log.take(stream("failed", 7));
    log.line({
      host: "sdw1",
      number: 4,
      atMs: 0,
      level: "error",
      message: "stream failed",
      fields: {},
    });
    log.ended("failed");
  });
  expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
    ["warn", "connection lost and found again"],
    ["error", "run failed"],
    ["info", "warning"],
    ["debug", "stream failed"],
    ["info", "stream failed"],
    ["info", "run ended"],
  ]);
  expect(lines[1]).toMatchObject({
    ...{ code: "damaged", error: "object x is not what was stored", hint: "see y" },
  });
});

test("a cancellation is no error", async () => {
  const [line] = await linesAfter((log) => log.failed(new Cancelled("SIGINT")));
  expect(line).toMatchObject({ level: "warn", msg: "run cancelled", error: "cancelled by SIGINT" });
});

test("a log that cannot be written says so once, and the run goes on", async () => {
  const broken: unknown[] = [];
  const file = new LogFile(folder, (cause) => broken.push(cause));
  file[Symbol.dispose]();
  file.write("after its end\n");
  expect(broken).toEqual([]);
  expect(await readFile(join(folder.path, "log.jsonl"), "utf8")).toBe("");
});

test("who follows a log gets what is written until the run is over, and no torn line", async () => {
  const path = join(folder.path, "log.jsonl");
  await appendFile(path, '{"a":"π"}\n{"b":');
  const asked: string[] = [];
  const more = ["1}\n", '{"c":2}\n{"torn'];
  const isOver = async (): Promise<boolean> => {
    const next = more.shift();
    if (next === undefined) return true;
    asked.push(next);
    await appendFile(path, next);
    return more.length === 0; // what was written last must be read all the same
  };
  const lines: string[] = [];
  for await (const line of readLog(folder, isOver, never)) lines.push(line);
  expect(lines).toEqual(['{"a":"π"}', '{"b":1}', '{"c":2}']);
});
