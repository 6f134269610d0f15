import { beforeEach, expect, test } from "vitest";
import type { HostFile, PlannedStream, RunPlan } from "../producers/producer.ts";
import { type Awaiting, awaitTool } from "./awaited-tool.ts";
import { StallWatch } from "./stall-watch.ts";
import type { BackupStreamRun } from "./stored-streams.ts";
import { PatientClock, SessionInMemory } from "./test-support.ts";

const SECOND = 1000;
const STALL_MS = 60 * SECOND;
const DATA: PlannedStream = {
  ...{ name: "data", host: "sdw1", kind: "fifo", path: "/b/data", required: true, origin: [] },
};
const STATISTICS: PlannedStream = { ...DATA, name: "statistics", host: "mdw", heldOpen: true };
const PLAN: RunPlan = {
  ...{ streams: [DATA, STATISTICS], tools: [] },
  files: [{ host: "mdw", glob: "/b/*", origin: [] }],
};
const REPORT: HostFile = { host: "mdw", path: "/b/report" };
const STATUS: HostFile = { host: "sdw1", path: "/b/status" };

let session: SessionInMemory;
let clock: PatientClock;
let stalls: StallWatch;
/** By stream: it has ended. */
let ends: Map<string, PromiseWithResolvers<void>>;
beforeEach(() => {
  session = new SessionInMemory();
  clock = new PatientClock();
  stalls = new StallWatch({
    ...{ direction: "backup", run: session.ref.run, timeoutMs: STALL_MS, targets: [] },
    ...{ rateOf: () => undefined, fail: (error) => session.fail(error), clock },
  });
  ends = new Map([DATA, STATISTICS].map(({ name }) => [name, Promise.withResolvers<void>()]));
  for (const { name, host } of [DATA, STATISTICS]) {
    stalls.attached(name, host);
    stalls.waiting(name, "tool");
  }
});

function end(name: string): void {
  stalls.finished(name);
  ends.get(name)?.resolve();
}

async function awaited(...files: readonly HostFile[]): Promise<void> {
  const planned = new Map([DATA, STATISTICS].map((stream) => [stream.name, stream]));
  const toRun = (name: string): BackupStreamRun => ({
    ...{ planned: planned.get(name) ?? DATA, receipt: undefined },
    ...{ attached: () => Promise.resolve(), close: () => Promise.resolve() },
    settle: () => Promise.race([ends.get(name)?.promise, aborted()]),
  });
  const awaiting: Awaiting = {
    context: {
      ...{ producerType: "gpcrondump", graceMs: 5 * SECOND },
      stall: { backup: STALL_MS, restore: STALL_MS },
    },
    ...{ session, stalls, clock },
    streams: { named: (names) => names.map(toRun) },
  };
  await awaitTool(awaiting, PLAN, files);
}

function aborted(): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  session.signal.addEventListener("abort", () => reject(session.signal.reason), { once: true });
  return promise;
}

const looks = (): string[] => session.asked.filter((line) => line.includes("findFiles"));

test("what is held open ends when all others have ended and the files are there", async () => {
  session.files.add("mdw:/b/report").add("sdw1:/b/status");
  session.onAsked((_host, what) => what === "endStreams" && end("statistics"));
  session.open("statistics");
  end("data");
  await awaited(REPORT, STATUS);
  expect(session.asked).toEqual([
    ...["mdw:findFiles /b/report", "sdw1:findFiles /b/status", "mdw:endStreams statistics"],
  ]);
});

test("hosts are asked for what is missing alone, and ever less often", async () => {
  session.files.add("sdw1:/b/status");
  session.onAsked((_host, what) => {
    if (what === "endStreams") end("statistics");
    if (clock.nowMs() > 50 * SECOND) session.files.add("mdw:/b/report");
  });
  session.open("statistics");
  end("data");
  await awaited(REPORT, STATUS);
  expect(looks().filter((line) => line.startsWith("sdw1"))).toHaveLength(1);
  expect(looks().length).toBeLessThan(12);
});

test("files that do not come are given up after the stall timeout, and named", async () => {
  end("data");
  await expect(awaited(REPORT)).rejects.toThrow(
    "all pipes were written, but there is no file /b/report on mdw",
  );
  expect(clock.nowMs()).toBeLessThan(STALL_MS + 15 * SECOND);
});

test("they are waited for as long as statistics come in", async () => {
  const untilMs = 10 * STALL_MS;
  session.open("statistics");
  session.onAsked((_host, what) => {
    if (what === "endStreams") end("statistics");
    if (clock.nowMs() < untilMs) stalls.moved("statistics");
    else session.files.add("mdw:/b/report");
  });
  end("data");
  await awaited(REPORT);
  expect(clock.nowMs()).toBeGreaterThanOrEqual(untilMs);
});

test("statistics may be silent until the files are there, however early they were written", async () => {
  stalls.moved("statistics");
  clock.pass(STALL_MS - SECOND);
  stalls.moved("data");
  session.onAsked((_host, what) => {
    if (what === "endStreams") end("statistics");
    if (clock.nowMs() > 1.5 * STALL_MS) session.files.add("mdw:/b/report");
  });
  end("data");
  await awaited(REPORT);
  expect(session.signal.aborted).toBe(false);
});

/** Time passes until the run has failed. */
async function untilFailed(): Promise<void> {
  while (!session.signal.aborted) await clock.delay(SECOND, session.signal);
}

test("somebody who keeps the pipe of the statistics open does not keep the run", async () => {
  session.files.add("mdw:/b/report");
  session.open("statistics");
  stalls.opened("statistics");
  end("data");
  const waited = awaited(REPORT);
  await Promise.all([
    untilFailed().catch(() => {}),
    expect(waited).rejects.toThrow(
      "stream statistics of mdw: its pipe is still held open 5s after its tool has ended",
    ),
  ]);
});

test("one whom nobody has heard of, either: then they are missing", async () => {
  session.files.add("mdw:/b/report");
  end("data");
  const waited = awaited(REPORT);
  waited.catch(() => {});
  while (session.missed.size === 0) await clock.delay(SECOND, session.signal);
  expect(session.missed.get("statistics")?.message).toContain("was never opened");
  session.fail(new Error("over"));
  await expect(waited).rejects.toThrow("over");
});
