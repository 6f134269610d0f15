import { beforeEach, expect, test } from "vitest";
import type { PlannedStream } from "../producers/producer.ts";
import { toolEndedElsewhere } from "./elsewhere.ts";
import { PatientClock, SessionInMemory } from "./test-support.ts";

const DATA: PlannedStream = {
  ...{ name: "data", host: "sdw1", kind: "fifo", path: "/b/data", required: true, origin: [] },
};
const STATISTICS: PlannedStream = { ...DATA, name: "statistics", host: "mdw", heldOpen: true };

let session: SessionInMemory;
let clock: PatientClock;
let ended: [names: readonly string[], graceMs: number][];
beforeEach(() => {
  session = new SessionInMemory();
  clock = new PatientClock();
  ended = [];
});

/** Resolves when all that can be said of these streams has been. */
async function endOf(...streams: readonly PlannedStream[]): Promise<void> {
  const stalls = { toolEnded: (...told: (typeof ended)[number]) => void ended.push(told) };
  const guarded: Promise<unknown>[] = [];
  const guard = (promise: Promise<unknown>): void => void guarded.push(promise);
  const own = Object.assign(session, { guard });
  await toolEndedElsewhere({ session: own, stalls, graceMs: 5_000, clock }, streams);
  await Promise.all(guarded);
}

test("streams that are held open end with the tool, and no others", async () => {
  session.open("data");
  session.open("statistics");
  await endOf(DATA, STATISTICS);
  expect(session.asked).toEqual(["mdw:endStreams statistics"]);
});

test("from now on all of them are watched, since nobody else sees whether they end", async () => {
  session.open("data");
  session.open("statistics");
  await endOf(DATA, STATISTICS);
  expect(ended).toEqual([[["data", "statistics"], 5_000]]);
});

test("a pipe that is opened within the grace is not missing", async () => {
  const opened = endOf(DATA);
  session.open("data");
  await opened;
  expect(session.missed.size).toBe(0);
});

test("one that nobody has opened is missing once its agent has been heard again", async () => {
  await endOf(DATA);
  expect(session.asked).toEqual(["sdw1:renewLease", "sdw1:findFiles /b/data"]);
  expect(clock.nowMs()).toBe(7_000);
  expect(session.missed.get("data")).toMatchObject({
    code: "not_found",
    message: "stream data of sdw1: its pipe was never opened by its tool",
  });
});

test("word of an open that was late is heard", async () => {
  session.onAsked((_host, what) => what === "renewLease" && session.open("data"));
  await endOf(DATA);
  expect(session.missed.size).toBe(0);
});

test("a file in place of a pipe is named", async () => {
  session.files.add("sdw1:/b/data");
  await endOf(DATA);
  expect(session.missed.get("data")?.message).toContain(
    "/b/data is a regular file now, written to the disk of sdw1",
  );
});

test("of a run that is over nothing is missing, and what is no pipe is not expected", async () => {
  session.fail(new Error("over"));
  await endOf(DATA);
  expect(session.missed.size).toBe(0);
  session = new SessionInMemory();
  await endOf({ ...DATA, kind: "file" });
  expect(session.asked).toEqual([]);
});
