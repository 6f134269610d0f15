import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  addressField,
  durationField,
  listenField,
  nameField,
  pathField,
  rateField,
  textField,
} from "./fields.ts";
import { parseYaml } from "./yaml-file.ts";

const schema = z.strictObject({
  name: nameField.prefault("x"),
  path: pathField.prefault("/x"),
  text: textField.prefault(""),
  peer: addressField.prefault("sdw1:7411"),
  listen: listenField.prefault("0.0.0.0:7411"),
  rate: rateField.prefault("off"),
  lease: durationField(1000).prefault("30s"),
});

describe("fields of a configuration", () => {
  test("give parsed values", () => {
    const text = 'name: a\npath: "/b c"\nlisten: "[::1]:0"\nrate: 10m\nlease: 5m\ntext: ""\n';
    expect(parseYaml(text, "c.yaml", schema).value).toEqual({
      name: "a",
      path: "/b c",
      text: "",
      peer: "sdw1:7411",
      listen: "[::1]:0",
      rate: 10 * 2 ** 20,
      lease: 300_000,
    });
  });

  test.each(["a", "A.b-c_9", "_x", "0", "x".repeat(200)])("%s is a name", (name) => {
    expect(parseYaml(`name: "${name}"`, "c.yaml", schema).value.name).toBe(name);
  });

  test.each(["", ".", "..", ".a", "-a", "a b", "a/b", "ä", "a\n", "x".repeat(201)])(
    "%j is no name",
    (name) => {
      expect(() => parseYaml(JSON.stringify({ name }), "c.yaml", schema)).toThrow(
        'at name; allowed: letters, digits, ".", "_" and "-", not beginning with',
      );
    },
  );

  test.each(["", "backups", "./x", "/a/../b", "/a/.", "~/x", "/a\nb", "/a\0b"])(
    "%j is no absolute path",
    (path) => {
      expect(() => parseYaml(JSON.stringify({ path }), "c.yaml", schema)).toThrow(
        `c.yaml:1: bad path ${JSON.stringify(path)} at path; allowed: an absolute path without "." and ".." in it`,
      );
    },
  );

  test("an address to dial has a port", () => {
    expect(() => parseYaml("peer: sdw1:0", "c.yaml", schema)).toThrow(
      'c.yaml:1: bad address "sdw1:0" at peer; allowed: host:port, port 1 to 65535',
    );
  });

  test("text may hold anything but NUL, and is not shown", () => {
    expect(() => parseYaml('text: "hunter2\\0"', "c.yaml", schema)).toThrow(
      /^c.yaml:1: bad text at text; allowed: anything without a NUL character$/,
    );
  });

  test("a length of time has a least one", () => {
    expect(() => parseYaml("lease: 500ms", "c.yaml", schema)).toThrow(
      'c.yaml:1: "500ms" is too small at lease; allowed: at least 1s',
    );
  });
});
