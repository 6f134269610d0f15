import { expect, test } from "vitest";
import { type RestoreOptionArguments, toRestoreOptions } from "./restore-options.ts";

const NOTHING: RestoreOptionArguments = {
  map: [],
  "content-ids": undefined,
  "metadata-only": false,
  table: [],
};

test("without options everything is restored as planned", () => {
  expect(toRestoreOptions(NOTHING)).toEqual({
    ...{ hosts: {}, metadataOnly: false, tables: [], extra: [] },
  });
});

test("agents stand in for others, and two may change places", () => {
  const { hosts } = toRestoreOptions({ ...NOTHING, map: ["sdw1=sdw2", "sdw2=sdw1"] });
  expect(hosts).toEqual({ sdw1: "sdw2", sdw2: "sdw1" });
});

test.each(["sdw1", "sdw1=", "=sdw2", "a=b=c"])("--map %s is no pair", (pair) => {
  expect(() => toRestoreOptions({ ...NOTHING, map: [pair] })).toThrow(/^--map .*: allowed:/);
});

test("nobody can be replaced by two others", () => {
  const map = ["sdw1=sdw8", "sdw1=sdw9"];
  expect(() => toRestoreOptions({ ...NOTHING, map })).toThrow("--map names sdw1 more than once");
});

test("content ids are numbers, the coordinator's among them", () => {
  const { contentIds } = toRestoreOptions({ ...NOTHING, "content-ids": "-1,0,12" });
  expect(contentIds).toEqual([-1, 0, 12]);
});

test.each(["", "0,", "-2", "0 1", "x", "1.5"])("%j are no content ids", (text) => {
  expect(() => toRestoreOptions({ ...NOTHING, "content-ids": text })).toThrow("--content-ids");
});

test.each(["public.t", "my schema.t.u"])("%s is a table", (name) => {
  expect(toRestoreOptions({ ...NOTHING, table: [name] }).tables).toEqual([name]);
});

test.each(["t", ".t", "public.", ""])("%j is no table with a schema", (name) => {
  expect(() => toRestoreOptions({ ...NOTHING, table: [name] })).toThrow("allowed: SCHEMA.TABLE");
});

test("what stands behind -- is handed on as it is, numbers too", () => {
  const behind = ["-x", 3 as unknown as string, "a b"];
  expect(toRestoreOptions({ ...NOTHING, "--": behind }).extra).toEqual(["-x", "3", "a b"]);
});
