import type { RunEvent } from "@penstock/proto";
import { expect, test } from "vitest";
import { type EventBody, EventLog } from "./event-log.ts";

const never = new AbortController().signal;
const KEPT = 2_000;

const line = (message: string): EventBody => ({
  $case: "log",
  value: { level: "info", message, fields: {} },
});
const opened = (name: string): EventBody => ({ $case: "streamOpened", value: { name } });

async function read(log: EventLog, after = 0n): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of log.after(after, never)) events.push(event);
  return events;
}

test("a watcher gets all events, and those after the last one that it has seen", async () => {
  const log = new EventLog();
  for (const name of ["a", "b", "c"]) log.add(opened(name));
  log.close();
  expect((await read(log)).map(({ number }) => number)).toEqual([1n, 2n, 3n]);
  expect((await read(log, 2n)).map(({ event }) => event)).toEqual([opened("c")]);
  expect(await read(log, 3n)).toEqual([]);
});

test("a watcher who is waiting gets what comes, and ends when the log is closed", async () => {
  const log = new EventLog();
  const reading = read(log);
  log.add(opened("a"));
  await Promise.resolve();
  log.add(line("said"));
  log.close();
  log.add(opened("too late"));
  expect((await reading).map(({ event }) => event)).toEqual([opened("a"), line("said")]);
});

test("of too many log lines the oldest are dropped, and it is said how many; nothing else is", async () => {
  const log = new EventLog();
  log.add(line("first"));
  log.add(opened("a"));
  for (let count = 0; count < KEPT + 2; count++) log.add(line(`line ${count}`));
  log.add(opened("b"));
  log.close();

  const events = await read(log);
  const says = (event: RunEvent | undefined): unknown => {
    const body = event?.event;
    return body?.$case === "log" ? [body.value.message, body.value.fields] : body?.$case;
  };
  expect(events.slice(0, 4).map(says)).toEqual([
    ["log lines dropped", { dropped: "1" }],
    "streamOpened",
    ["log lines dropped", { dropped: "2" }],
    ["line 2", {}],
  ]);
  expect(says(events.at(-1))).toBe("streamOpened");
  expect(events).toHaveLength(KEPT + 4);
});

test("who has seen the lines that were dropped misses none", async () => {
  const log = new EventLog();
  for (let count = 0; count < KEPT + 5; count++) log.add(line(`line ${count}`));
  log.close();
  expect(await read(log, 5n)).toHaveLength(KEPT);
  expect((await read(log, 4n)).map(({ number }) => number).slice(0, 2)).toEqual([5n, 6n]);
});

test("of events about a plugin's processes the oldest are dropped, and no others", () => {
  const log = new EventLog();
  log.add(opened("pipe"));
  for (let count = 1; count <= 30_002; count++) {
    log.add(opened(`process ${count}`), { isOneOfMany: true });
  }
  log.close();
  return read(log).then((events) => {
    expect(events).toHaveLength(30_002); // one that stands for two
    expect(events[0]?.event).toEqual(opened("pipe"));
    expect(events[1]?.event).toMatchObject({ value: { fields: { dropped: "2" } } });
    expect(events[2]?.event).toEqual(opened("process 3"));
  });
});
