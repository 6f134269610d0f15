import { expect, test } from "vitest";
import { fileKey } from "../producer.ts";
import { reasonsIn } from "./failure-words.ts";

const STATUSES = ["mdw", "sdw1", "sdw2"].map((host) => ({ host, path: `/b/status_${host}` }));
const GOOD =
  "20261120:10:06:33|gp_dump_agent-[INFO]:-Starting monitor thread\n|gp_dump_agent-[INFO]:-Finished successfully\n";
const BAD =
  "20261120:10:06:35|gp_dump_agent-[INFO]:-Dumping\n20261120:10:06:35|gp_dump_agent-[ERROR]:-could not write to output file: Broken pipe\n|gp_dump_agent-[ERROR]:-and more\n";

function filesWith(texts: Readonly<Record<string, string>>, modifiedMs = 1_000) {
  return Object.fromEntries(
    STATUSES.flatMap((file) => {
      const text = texts[file.host];
      return text === undefined ? [] : [[fileKey(file), { text, modifiedMs }]];
    }),
  );
}

test("of each instance the first error is told, with its host", () => {
  const files = filesWith({ mdw: GOOD, sdw1: BAD, sdw2: "FATAL:  the database is starting up" });
  expect(reasonsIn(STATUSES, files, 0)).toEqual([
    "sdw1: 20261120:10:06:35|gp_dump_agent-[ERROR]:-could not write to output file: Broken pipe",
    "sdw2: FATAL:  the database is starting up",
  ]);
});

test("files that are not there, or older, tell nothing", () => {
  expect(reasonsIn(STATUSES, filesWith({ sdw1: BAD }), 1_001)).toEqual([]);
  expect(reasonsIn(STATUSES, filesWith({ sdw1: BAD }), 1_000)).toHaveLength(1);
  expect(reasonsIn(STATUSES, {}, 0)).toEqual([]);
});

test("at most five reasons are told", () => {
  const many = Array.from({ length: 9 }, (_, i) => ({ host: `sdw${i}`, path: "/b/status" }));
  const files = Object.fromEntries(
    many.map((file) => [fileKey(file), { text: BAD, modifiedMs: 0 }]),
  );
  expect(reasonsIn(many, files, 0)).toHaveLength(5);
});
