import { expect, test } from "vitest";
import type { StreamState } from "../runs/report.ts";
import type { Progress, StreamStatus } from "../runs/run-status.ts";
import { streamLines, totalLine } from "./status-lines.ts";

const MiB = 1024 * 1024;
const NOTHING: Progress = {
  ...{ bytes: 0, rate: 0, eta: null, reconnects: 0, warnings: [], streams: [] },
};

const stream = (name: string, state: StreamState, isStraggler = false): StreamStatus => ({
  ...{ name, host: "sdw1", state, bytes: MiB, rate: MiB, reconnects: 0, isStraggler },
});

test("a run in one line says what is known, and nothing else", () => {
  expect(totalLine(NOTHING)).toBe("0 B, 0 B/s, 0 of 0 streams done");
  const streams = [stream("a", "done"), stream("b", "flowing")];
  const known = { bytes: 3 * MiB, expectedBytes: 9 * MiB, rate: 2 * MiB, eta: 3, reconnects: 2 };
  expect(totalLine({ ...NOTHING, ...known, streams }, MiB)).toBe(
    "3.0 MiB of about 9.0 MiB, 2.0 MiB/s (at most 1MiB/s), 1 of 2 streams done, about 3 s left, 2 reconnects",
  );
});

test("when more came than was expected, that is not shown any more", () => {
  expect(totalLine({ ...NOTHING, bytes: 2 * MiB, expectedBytes: MiB })).toMatch(/^2\.0 MiB, /);
});

test.each([
  [1, "1 s"],
  [119, "119 s"],
  [120, "2 min"],
  [7_199, "2 h 00 min"],
  [11_100, "3 h 05 min"],
])("%d s are told as %s", (eta, text) => {
  expect(totalLine({ ...NOTHING, eta })).toContain(`about ${text} left`);
});

test("stragglers come first, and what is done last", () => {
  const streams = [
    stream("done", "done"),
    stream("waiting", "attached"),
    stream("usual", "flowing"),
    stream("slow", "flowing", true),
    stream("broken", "failed"),
  ];
  const [heading, ...lines] = streamLines(streams, 10);
  expect(heading).toMatch(/^HOST +STREAM +BYTES +BYTES\/S +RECONNECTS +STATE$/);
  expect(lines.map((line) => line.split(/ +/)[1])).toEqual([
    ...["slow", "broken", "usual", "waiting", "done"],
  ]);
  expect(lines[0]).toMatch(/ 1\.0 MiB +1\.0 MiB +0 +flowing {2}<< slow$/);
  expect(lines[4]).toMatch(/ 1\.0 MiB +0 +done$/);
});

test("of too many streams those that matter are shown, and how many more there are", () => {
  const many = Array.from({ length: 1000 }, (_, index) => stream(`s${index}`, "done"));
  const lines = streamLines([...many, stream("slow", "flowing", true)], 5);
  expect(lines).toHaveLength(6);
  expect(lines[1]).toContain(" slow ");
  expect(lines.at(-1)).toBe("and 997 more streams");
  expect(streamLines(many.slice(0, 5), 5)).toHaveLength(6);
  expect(streamLines([], 5)).toEqual([]);
});
