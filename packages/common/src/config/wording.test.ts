import { describe, expect, test } from "vitest";
import { formatPath, listNames, quote, unknownName, withPlace, withWrong } from "./wording.ts";

describe("the wording of messages", () => {
  test("a value is escaped, so that it cannot forge lines or colours", () => {
    expect(quote('a"\n\u001b[31m')).toBe('"a\\"\\n\\u001b[31m"');
  });

  test("an unknown name comes with the nearest one and with what is allowed", () => {
    expect(unknownName("target", "clowd", ["local", "cloud"])).toBe(
      'unknown target "clowd" (did you mean "cloud"?); allowed: local, cloud',
    );
    expect(unknownName("target", "STALLTIMEOUT", ["stall_timeout"])).toContain(
      'did you mean "stall_timeout"?',
    );
  });

  test("a name that is near to nothing gets no suggestion", () => {
    expect(unknownName("agent", "mdw", ["host1", "host2"])).toBe(
      'unknown agent "mdw"; allowed: host1, host2',
    );
    expect(unknownName("agent", "mdw", [])).toBe('unknown agent "mdw"; allowed: none is defined');
  });

  test("of very many names only the first ones are listed", () => {
    const names = Array.from({ length: 500 }, (_, i) => `sdw${i}`);
    expect(listNames(names)).toMatch(/^sdw0, sdw1, .*, sdw19 and 480 more$/);
  });

  test("the place stands between what is wrong and what is allowed", () => {
    expect(withPlace("bad x; allowed: y", "a.b")).toBe("bad x at a.b; allowed: y");
    expect(withPlace("bad x", "a.b")).toBe("bad x at a.b");
    expect(withPlace('bad "; allowed: z"; allowed: y', "a")).toBe(
      'bad "; allowed: z" at a; allowed: y',
    );
  });

  test("what is allowed survives another finding", () => {
    expect(withWrong("unexpected undefined; allowed: y", "missing key")).toBe(
      "missing key; allowed: y",
    );
    expect(withWrong("x", "missing key")).toBe("missing key");
  });

  test("a path is printed as one would type it", () => {
    expect(formatPath(["plans", "nightly", "streams", 0, "path"])).toBe(
      "plans.nightly.streams[0].path",
    );
    expect(formatPath(["plans", "my plan", "x"])).toBe('plans["my plan"].x');
    expect(formatPath([0, "a"])).toBe("[0].a");
    expect(formatPath([])).toBe("");
  });
});
