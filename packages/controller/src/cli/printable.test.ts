import { expect, test } from "vitest";
import { printable } from "./printable.ts";

test.each([
  ["größe of π: 100 %, 'yes'", "größe of π: 100 %, 'yes'"],
  ["gone\u001b[2J", "gone\\u001b[2J"],
  ["one\r\ntwo\tthree", "one\\r\\ntwo\\tthree"],
  ["\u007f\u009b2J\u2028", "\\u007f\\u009b2J\\u2028"],
  ["abc\u202etxt", "abc\\u202etxt"],
])("%j stays on its line and steers no terminal", (text, shown) => {
  expect(printable(text)).toBe(shown);
});
