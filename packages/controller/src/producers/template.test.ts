import { describe, expect, test } from "vitest";
import { fill, unknownPlaceholders } from "./template.ts";

const values = { host: "sdw1", set: "20261120104000", port: "5433" };

describe("templates", () => {
  test.each([
    ["/backups/{set}/app-{host}.pipe", "/backups/20261120104000/app-sdw1.pipe"],
    ["{host}{host}", "sdw1sdw1"],
    ["-p{port}", "-p5433"],
    ["plain", "plain"],
    ["", ""],
  ])("%s becomes %s", (template, text) => {
    expect(fill(template, values)).toBe(text);
  });

  test.each(["{}", "{1,2}", '{"a": {"b": 1}}', "{ host }", "{a-b}", "$1 $& {", "a{2}"])(
    "%s is left alone",
    (text) => {
      expect(fill(text, values)).toBe(text);
      expect(unknownPlaceholders(text, values)).toEqual([]);
    },
  );

  test("double braces stand for single ones", () => {
    expect(fill("{{host}} on {host}", values)).toBe("{host} on sdw1");
    expect(unknownPlaceholders("{{print}}", values)).toEqual([]);
  });

  test("a value is taken as it is", () => {
    expect(fill("{a}", { a: "{host} $& $1", host: "x" })).toBe("{host} $& $1");
  });

  test("names without a value are found, also those of JavaScript's own", () => {
    expect(unknownPlaceholders("{host}/{dir}/{toString}/{dir}", values)).toEqual([
      "dir",
      "toString",
      "dir",
    ]);
  });
});
