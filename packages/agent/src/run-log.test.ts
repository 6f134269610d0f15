import { pino } from "pino";
import { expect, test } from "vitest";
import { EventLog } from "./event-log.ts";
import { RunLog } from "./run-log.ts";

test("a line is in the agent's log and is an event of the run, there as text and without secrets", async () => {
  const written: string[] = [];
  const events = new EventLog();
  const log = new RunLog(pino({}, { write: (text) => written.push(text) }), events);
  const fields = {
    stream: "app",
    exitCode: 3,
    signal: undefined,
    token: "t",
    err: new Error("no"),
  };
  log.info({ line: "x".repeat(10_000) }, "tool says");
  log.warn(fields, "stream failed");
  events.close();

  expect(written.map((text) => JSON.parse(text).msg)).toEqual(["tool says", "stream failed"]);
  const never = new AbortController().signal;
  const told: unknown[] = [];
  for await (const { event } of events.after(0n, never)) told.push(event);
  const [long, failed] = told;
  expect(failed).toEqual({
    $case: "log",
    value: {
      level: "warn",
      message: "stream failed",
      fields: { stream: "app", exitCode: "3", token: "***", err: "no" },
    },
  });
  expect(long).toMatchObject({ value: { level: "info", fields: { line: "x".repeat(4_096) } } });
});
