import { expect, test } from "vitest";
import { parseKey, timestampOf } from "./plugin-key.ts";

const FOLDER = "/gp/data/p/gpseg0/backups/20261120/20261120095538";

test.for([
  ["gpbackup_0_20261120095538_16385.gz", "data", 0, "16385"],
  ["gpbackup_12_20261120095538_16385.zst", "data", 12, "16385"],
  ["gpbackup_1_20261120095538_16385", "data", 1, "16385"],
  ["gpbackup_1_20261120095538", "data", 1, undefined],
  ["gpbackup_1_20261120095538.gz", "data", 1, undefined],
  ["gpbackup_1_20261120095538_toc.yaml", "segment-toc", 1, undefined],
  ["gpbackup_20261120095538_metadata.sql", "backup", undefined, undefined],
  ["gpbackup_20261120095538_plugin_config.yaml", "backup", undefined, undefined],
] as const)("%s is what gpbackup writes", ([stream, kind, contentId, tableOid]) => {
  expect(parseKey(`${FOLDER}/${stream}`)).toEqual({
    ...{ timestamp: "20261120095538", stream, kind, contentId, tableOid },
    ...{ sign: "gpbackup_20261120095538_config.yaml", isEvidence: false, isLast: false },
  });
});

test("what the end of a backup says, and what comes last, are told apart", () => {
  const config = parseKey(`${FOLDER}/gpbackup_20261120095538_config.yaml`);
  const report = parseKey(`${FOLDER}/gpbackup_20261120095538_report`);
  expect([config.isEvidence, config.isLast]).toEqual([true, false]);
  expect([report.isEvidence, report.isLast]).toEqual([false, true]);
});

test("what is before its last four parts does not matter", () => {
  const file = "backups/20261120/20261120095538/gpbackup_0_20261120095538_toc.yaml";
  expect(parseKey(`/${file}`)).toEqual(parseKey(`/a/backups/b/${file}`));
});

test.for([
  "backups/20261120/20261120095538/gpbackup_20261120095538_report",
  "/data/20261120/20261120095538/gpbackup_20261120095538_report",
  "/backups/20261119/20261120095538/gpbackup_20261120095538_report",
  "/backups/20261120/20261120095538/gpbackup_20261120095539_report",
  "/backups/20261120/20261120095538/gpbackup_0_20261120095539_toc.yaml",
  "/backups/20261120/20261120095538/report",
  "/backups/20261120/20261120095538/gpbackup_20261120095538_",
  "/backups/20261120/20261120095538/gpbackup_20261120095538_a b",
  "/backups/20261120/20261120095538/",
  "",
])("%j is no key", (key) => {
  expect(() => parseKey(key)).toThrow(/is not a key of gpbackup/);
});

test("the timestamp of a set is that of its config.yaml", () => {
  const names = ["gpbackup_0_20261120095538_toc.yaml", "gpbackup_20261120095538_config.yaml"];
  expect(timestampOf(names.map((name) => ({ name })))).toBe("20261120095538");
  expect(timestampOf([{ name: "app" }])).toBeUndefined();
});
