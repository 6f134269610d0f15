import type { PenstockError } from "@penstock/common";
import { expect, test } from "vitest";
import { StallWatch } from "./stall-watch.ts";

const SECOND = 1000;

/** A watch over a run, with a clock that is moved by hand. */
function watch(direction: "backup" | "restore" = "backup") {
  let nowMs = 0;
  let look = (): void => {};
  const errors: string[] = [];
  const clock = {
    nowMs: () => nowMs,
    every(_ms: number, action: () => void) {
      look = action;
      return { [Symbol.dispose]: () => {} };
    },
    after: () => ({ [Symbol.dispose]: () => {} }),
    delay: () => Promise.resolve(),
  };
  const fail = ({ message }: PenstockError): void => void errors.push(message);
  const rateOf = (stream: string): number | undefined => (stream === "slow" ? 1024 : undefined);
  const targets = ["file:///backups"];
  const options = {
    direction,
    run: "20260101000000",
    timeoutMs: 60 * SECOND,
    targets,
    rateOf,
    fail,
    clock,
  };
  const pass = (ms: number): string[] => {
    nowMs += ms;
    look();
    return errors;
  };
  return { stalls: new StallWatch(options), pass };
}

test("a target that takes nothing is named", () => {
  const { stalls, pass } = watch();
  stalls.attached("app", "sdw1");
  stalls.waiting("app", "target");
  expect(pass(59 * SECOND)).toEqual([]);
  expect(pass(SECOND)).toEqual([
    "stream app of sdw1: target file:///backups has taken nothing for 1m",
  ]);
});

test("a network that moves nothing is named by its host", () => {
  const { stalls, pass } = watch();
  stalls.attached("app", "sdw1");
  stalls.waiting("app", "network");
  expect(pass(60 * SECOND)).toEqual([
    "stream app of sdw1: the network to sdw1 has moved nothing for 1m",
  ]);
});

test("it is said what waits in the database with the stream", () => {
  const { stalls, pass } = watch();
  stalls.attached("post_data", "mdw", "an EXCLUSIVE lock on pg_class");
  stalls.waiting("post_data", "target");
  expect(pass(60 * SECOND)).toEqual([
    "stream post_data of mdw: target file:///backups has taken nothing for 1m; as long as it waits it holds an EXCLUSIVE lock on pg_class",
  ]);
});

test("a tool without streams, too, must end in time", () => {
  const { stalls, pass } = watch();
  stalls.running("gpcrondump", "mdw", []);
  expect(pass(59 * SECOND)).toEqual([]);
  expect(pass(SECOND)).toEqual(["gpcrondump on mdw has not ended for 1m"]);
});

test("bytes that move put the end off, however slowly they do", () => {
  const { stalls, pass } = watch();
  stalls.attached("app", "sdw1");
  stalls.waiting("app", "network");
  for (let count = 0; count < 10; count++) {
    expect(pass(50 * SECOND)).toEqual([]);
    stalls.moved("app");
  }
});

test("a stream that is slow by its pace does not stand still", () => {
  const { stalls, pass } = watch();
  stalls.attached("slow", "sdw1");
  stalls.waiting("slow", "network");
  expect(pass(500 * SECOND)).toEqual([]); // 512 KiB at 1 KiB/s
  expect(pass(100 * SECOND)).toHaveLength(1);
});

test("a tool is left in peace while one of its streams moves", () => {
  const { stalls, pass } = watch();
  for (const name of ["data", "post"]) {
    stalls.attached(name, "sdw1");
    stalls.waiting(name, "tool");
  }
  using _tool = stalls.running("gpcrondump", "mdw", ["data", "post"]);
  pass(50 * SECOND);
  stalls.moved("data");
  expect(pass(59 * SECOND)).toEqual([]);
  expect(pass(SECOND)).toEqual(["stream data of sdw1: gpcrondump has written nothing for 1m"]);
});

test("a tool counts from its start, not from when its pipe was made", () => {
  const { stalls, pass } = watch();
  stalls.attached("app", "sdw1");
  stalls.waiting("app", "tool");
  expect(pass(100 * SECOND)).toEqual([]);
  using _tool = stalls.running("pg_dump", "sdw1", ["app"]);
  expect(pass(59 * SECOND)).toEqual([]);
  expect(pass(SECOND)).toHaveLength(1);
});

test("a tool that does not end after its last byte fails a backup, not a restore", () => {
  for (const direction of ["backup", "restore"] as const) {
    const { stalls, pass } = watch(direction);
    stalls.attached("app", "sdw1");
    using _tool = stalls.running("tool", "sdw1", ["app"]);
    stalls.finished("app");
    const said = ["tool on sdw1 has not ended 1m after its last byte"];
    expect(pass(60 * SECOND)).toEqual(direction === "backup" ? said : []);
  }
});

test("a consumer that reads nothing is named", () => {
  const { stalls, pass } = watch("restore");
  stalls.attached("app", "sdw1");
  using _tool = stalls.running("psql", "sdw1", ["app"]);
  stalls.waiting("app", "tool");
  expect(pass(60 * SECOND)).toEqual(["stream app of sdw1: psql has read nothing at all for 1m"]);
});

test("a pipe that somebody else writes may be opened late, but not fall silent then", () => {
  const { stalls, pass } = watch();
  stalls.attached("app", "sdw1");
  stalls.waiting("app", "tool");
  expect(pass(1000 * SECOND)).toEqual([]);
  stalls.moved("app");
  expect(pass(60 * SECOND)).toEqual([
    "stream app of sdw1: the other end has written nothing for 1m",
  ]);
});

test("a stream that is finished, and one of which nobody knows for whom it waits, do not stall", () => {
  const { stalls, pass } = watch();
  stalls.attached("done", "sdw1");
  stalls.waiting("done", "target");
  stalls.finished("done");
  stalls.attached("unknown", "sdw1");
  expect(pass(1000 * SECOND)).toEqual([]);
});

test("a tool whose streams nobody has planned is watched by those that have come", () => {
  const { stalls, pass } = watch();
  const names = new Set<string>();
  stalls.running("gpbackup", "mdw", names);
  for (const name of ["first", "second"]) {
    names.add(name);
    stalls.attached(name, "sdw1");
    stalls.waiting(name, "tool");
    expect(pass(59 * SECOND)).toEqual([]);
    stalls.finished(name);
  }
  expect(pass(59 * SECOND)).toEqual([]);
  expect(pass(SECOND)).toEqual(["gpbackup on mdw has not ended 1m after its last byte"]);
});

test("a tool that has never had a stream is not left alone for ever", () => {
  const { stalls, pass } = watch();
  stalls.running("gpbackup", "mdw", new Set());
  expect(pass(59 * SECOND)).toEqual([]);
  expect(pass(SECOND)).toEqual(["gpbackup on mdw has not ended for 1m"]);
});

test("what a tool has left behind on another host may go on, but not in silence", () => {
  const { stalls, pass } = watch();
  stalls.attached("app", "sdw1");
  stalls.moved("app");
  stalls.toolEnded(["app", "gone"], 5 * SECOND);
  expect(pass(6 * SECOND)).toEqual([]); // it does not wait for the tool
  stalls.moved("app");
  stalls.waiting("app", "tool");
  expect(pass(4 * SECOND)).toEqual([]);
  expect(pass(SECOND)).toEqual([
    "stream app of sdw1: its pipe is still held open 5s after its tool has ended",
  ]);
});

test("a pipe that was opened counts as open before as much has come as is stored at once", () => {
  const { stalls, pass } = watch();
  stalls.attached("app", "sdw1");
  stalls.waiting("app", "tool");
  stalls.toolEnded(["app"], 5 * SECOND);
  expect(pass(6 * SECOND)).toEqual([]); // others see to pipes that nobody has opened
  stalls.opened("app");
  expect(pass(4 * SECOND)).toEqual([]);
  expect(pass(SECOND)).toEqual([
    "stream app of sdw1: its pipe is still held open 5s after its tool has ended",
  ]);
});

test("a reader that somebody has left behind, and that reads nothing, is not waited for", () => {
  const { stalls, pass } = watch("restore");
  stalls.attached("app", "sdw1");
  stalls.opened("app");
  stalls.waiting("app", "tool");
  stalls.toolEnded(["app"], 5 * SECOND);
  expect(pass(5 * SECOND)).toHaveLength(1);
});

test("a pipe of others that was opened must not be silent, unless it may be", () => {
  for (const mayBeSilent of [false, true]) {
    const { stalls, pass } = watch();
    stalls.attached("app", "sdw1");
    stalls.waiting("app", "tool");
    stalls.opened("app");
    if (mayBeSilent) stalls.mayBeSilent(["app", "gone"]);
    expect(pass(60 * SECOND)).toHaveLength(mayBeSilent ? 0 : 1);
  }
});

test("streams are quiet since the last of them has moved; without any, for ever", () => {
  const { stalls, pass } = watch();
  stalls.attached("one", "sdw1");
  stalls.attached("two", "sdw1");
  pass(10 * SECOND);
  stalls.moved("one");
  pass(5 * SECOND);
  expect(stalls.quietForMs(["one", "two", "gone"])).toBe(5 * SECOND);
  expect(stalls.quietForMs(["two"])).toBe(15 * SECOND);
  expect([stalls.quietForMs([]), stalls.quietForMs(["gone"])]).toEqual([
    ...[Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  ]);
});
