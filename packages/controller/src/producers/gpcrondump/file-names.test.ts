import { describe, expect, test } from "vitest";
import { formatFileName, parseFileName, versionOf } from "./file-names.ts";

const KEY = "20261120110100";
const NEW = { version: "5", key: KEY, prefix: "" } as const;
const OLD = { version: "4.3", key: KEY, prefix: "" } as const;

describe("file names of 5.x", () => {
  test.each([
    ["gp_dump_0_2_K.gz", { kind: "segment", contentId: 0, dbid: 2, isGzip: true }],
    ["gp_dump_0_2_K", { kind: "segment", contentId: 0, dbid: 2, isGzip: false }],
    ["gp_dump_1_1234_K.gz", { kind: "segment", contentId: 1, dbid: 1234, isGzip: true }],
    ["gp_dump_-1_1_K.gz", { kind: "metadata", contentId: -1, dbid: 1, isGzip: true }],
    ["gp_dump_-1_1_K_post_data.gz", { kind: "postData", contentId: -1, dbid: 1, isGzip: true }],
    ["gp_dump_-1_1_K_post_data", { kind: "postData", contentId: -1, dbid: 1, isGzip: false }],
    ["gp_global_-1_1_K", { kind: "globals", contentId: -1, dbid: 1, isGzip: false }],
    ["gp_statistics_-1_1_K", { kind: "statistics", contentId: -1, dbid: 1, isGzip: false }],
    ["gp_master_config_files_K.tar", { kind: "masterConfig", isGzip: false }],
    [
      "gp_segment_config_files_2_4_K.tar",
      { kind: "segmentConfig", contentId: 2, dbid: 4, isGzip: false },
    ],
    ["gp_dump_status_2_4_K", { kind: "segmentStatus", contentId: 2, dbid: 4, isGzip: false }],
    ["gp_dump_status_-1_1_K", { kind: "masterStatus", contentId: -1, dbid: 1, isGzip: false }],
    ["gp_dump_K_table", { kind: "tables", isGzip: false }],
    ["gp_dump_K_table_list", { kind: "tableList", isGzip: false }],
    [
      "gp_dump_-1_1_K_post_data_temp",
      { kind: "postDataTemporary", contentId: -1, dbid: 1, isGzip: false },
    ],
  ])("%s is read and written", (pattern, file) => {
    const name = pattern.replace("K", KEY);
    expect(parseFileName(name, NEW)).toEqual(file);
    expect(formatFileName(file as never, NEW)).toBe(name);
  });
});

describe("file names of 4.3", () => {
  test.each([
    ["gp_dump_0_2_K.gz", { kind: "segment", dbid: 2, isGzip: true }],
    ["gp_dump_1_1_K.gz", { kind: "metadata", contentId: -1, dbid: 1, isGzip: true }],
    ["gp_dump_1_1_K_post_data.gz", { kind: "postData", contentId: -1, dbid: 1, isGzip: true }],
    ["gp_segment_config_files_0_2_K.tar", { kind: "segmentConfig", dbid: 2, isGzip: false }],
    ["gp_dump_status_0_2_K", { kind: "segmentStatus", dbid: 2, isGzip: false }],
    ["gp_cdatabase_1_1_K", { kind: "createDatabase", contentId: -1, dbid: 1, isGzip: false }],
  ])("%s is read and written", (pattern, file) => {
    const name = pattern.replace("K", KEY);
    expect(parseFileName(name, OLD)).toEqual(file);
    expect(formatFileName(file as never, OLD)).toBe(name);
  });
});

test("a name of another key, prefix or kind is none of the set's", () => {
  expect(parseFileName("gp_dump_0_2_20261120110101.gz", NEW)).toBeUndefined();
  expect(parseFileName(`foo_gp_dump_0_2_${KEY}.gz`, NEW)).toBeUndefined();
  expect(parseFileName(`gp_dump_0_2_${KEY}.gz`, { ...NEW, prefix: "foo_" })).toBeUndefined();
  expect(parseFileName(`gp_dump_0_2_${KEY}.bz2`, NEW)).toBeUndefined();
  expect(parseFileName(`gp_dump_0_2_${KEY}`.concat(".gz.gz"), NEW)).toBeUndefined();
  expect(parseFileName(`gp_dump_${KEY}xrpt`, NEW)).toBeUndefined();
});

test("a prefix may look like a dump itself", () => {
  const naming = { ...NEW, prefix: "gp_dump_" };
  expect(parseFileName(`gp_dump_gp_dump_0_2_${KEY}.gz`, naming)).toMatchObject({ kind: "segment" });
});

test("the coordinator's files tell the version", () => {
  const segment = `gp_dump_0_2_${KEY}.gz`;
  expect(versionOf([segment, `gp_dump_-1_1_${KEY}.gz`])).toBe("5");
  expect(versionOf([segment, `foo_gp_cdatabase_1_1_${KEY}`])).toBe("4.3");
  expect(versionOf([segment])).toBeUndefined();
});
