import { expect, test } from "vitest";
import { isMagic, segmentMatcher } from "./glob.ts";

test.each([
  ["*.rpt", ["a.rpt", "é\n.rpt"], ["a.rpt2", ".rpt", ".a.rpt", "rpt"]],
  ["?", ["a", "漢", "💾"], ["", "ab", "."]],
  ["a?c", ["abc", "a.c"], ["ac", "abbc"]],
  [".*", [".", ".a"], ["a"]],
  ["[a-c]x", ["ax", "cx"], ["dx", "x", "-x"]],
  ["[!a-c]x", ["dx", "-x"], ["ax", "x", ".x"]],
  ["[^a]x", ["bx"], ["ax"]],
  ["[]^-]", ["]", "^", "-"], ["a"]],
  ["[a\\]]", [], ["a", "\\"]],
  ["[a", ["[a"], ["a"]],
  ["[]", ["[]"], [""]],
  ["\\*", ["*"], ["a"]],
  ["a.b+(c){d}|$^", ["a.b+(c){d}|$^"], ["aXb+(c){d}|$^"]],
])("%s matches as in a shell", (pattern, yes, no) => {
  const matcher = segmentMatcher(pattern);
  for (const name of yes) expect(name).toMatch(matcher);
  for (const name of no) expect(name).not.toMatch(matcher);
});

test("only wildcards, brackets and escapes are magic", () => {
  expect(["*", "?", "[", "\\a"].every(isMagic)).toBe(true);
  expect(isMagic("a.b-c]{}!^$")).toBe(false);
});
