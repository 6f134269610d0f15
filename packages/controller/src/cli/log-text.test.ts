import { expect, test } from "vitest";
import { toLogText } from "./log-text.ts";

const text = (line: object): string => toLogText(JSON.stringify(line));
const LINE = { level: "info", time: "2026-11-20T10:45:12.000Z", run: "20261120104512" };

test("time, level, host, stream and message come first, then the other fields", () => {
  const about = { ...LINE, host: "sdw1", stream: "app", bytes: 3, msg: "stream done" };
  expect(text(about)).toBe("2026-11-20T10:45:12.000Z INFO  sdw1 app stream done bytes=3");
});

test("what a line is not about is a dash", () => {
  expect(text({ ...LINE, level: "error", msg: "run failed" })).toBe(
    "2026-11-20T10:45:12.000Z ERROR - - run failed",
  );
});

test.each([
  ["two words", '"two words"'],
  ["", '""'],
  ['a"b', '"a\\"b"'],
  ["a\nb", '"a\\nb"'],
  ["\u001b[2J", '"\\u001b[2J"'],
  ["\u009b2J", '"\\u009b2J"'],
  ["größe/π", "größe/π"],
  [["a", "b c"], '"[\\"a\\",\\"b c\\"]"'],
])("a value %j stays one word that cannot steer the terminal", (value, shown) => {
  expect(text({ ...LINE, msg: "tool says", line: value })).toMatch(/ tool says line=/);
  expect(text({ ...LINE, msg: "tool says", line: value }).split("line=")[1]).toBe(shown);
});

test("a message cannot steer the terminal, nor can a field's name", () => {
  const sly = text({ ...LINE, msg: "gone\u001b[2J\nnew", "a\u001b b": 1 });
  expect(sly).toBe('2026-11-20T10:45:12.000Z INFO  - - gone\\u001b[2J\\nnew "a\\u001b b"=1');
});

test("a line that is none of ours is shown, too", () => {
  expect(toLogText("\u001b[2J torn")).toBe('"\\u001b[2J torn"');
  expect(toLogText("3")).toBe("3");
});
