import { StartToolRequest } from "@penstock/proto";
import { expect, test } from "vitest";
import { toToolSpec } from "./requested-tool.ts";

const request = (changes: Partial<StartToolRequest>): StartToolRequest =>
  StartToolRequest.create({ tool: "gpbackup", ...changes });

test("what a request leaves open is the tool's own default", () => {
  expect(toToolSpec(request({}), "/bin/gpbackup")).toEqual({
    ...{ name: "gpbackup", path: "/bin/gpbackup", args: [], env: {}, stopAlone: false },
  });
});

test("a stop may take up to two minutes, and more is refused", () => {
  expect(toToolSpec(request({ stopGraceMs: 120_000 }), "/x").stopGraceMs).toBe(120_000);
  expect(() => toToolSpec(request({ stopGraceMs: 120_001 }), "/x")).toThrow(
    "tool gpbackup: a stop cannot take",
  );
});

test("no more of the output can be kept than a mebibyte", () => {
  expect(() => toToolSpec(request({ keepStdoutBytes: 2 ** 20 + 1 }), "/x")).toThrow(
    "tool gpbackup: cannot keep 1048577 bytes",
  );
});
