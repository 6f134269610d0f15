import { describe, expect, test } from "vitest";
import { type Evidence, type FileLists, fileKey, type HostFile, type Proof } from "../producer.ts";
import {
  answersOf,
  FOLDER,
  inOldNames,
  producerOf,
  sample,
  sampleLists,
} from "./sample-cluster.ts";

const SET = "20261120110000";
const PLAIN = sampleLists("plain");

/** The same dump under another key: samples of failures are of dumps of their own. */
const ofKey = (lists: FileLists, key: string): FileLists => ({
  pipes: lists.pipes.replaceAll(SET, key),
  regularFiles: lists.regularFiles.replaceAll(SET, key),
});

function proofOf(set: string, lists: FileLists): Proof {
  const producer = producerOf();
  const files = producer.inquireBackup?.(set).files ?? [];
  const { proof } = producer.planBackup(set, answersOf(lists, files));
  if (proof === undefined) throw new Error("no proof");
  return proof;
}

/** What a good run left: the coordinator's files, the lists, and each instance's status. */
const FOUND: readonly HostFile[] = [
  ...PLAIN.regularFiles
    .trimEnd()
    .split("\n")
    .map((line) => ({ host: "mdw", path: line.slice("mdw:".length) })),
  { host: "mdw", path: `${FOLDER}/gp_dump_${SET}_pipes` },
  { host: "sdw1", path: `${FOLDER}/gp_dump_status_0_2_${SET}` },
  { host: "sdw1", path: `${FOLDER}/gp_dump_status_1_3_${SET}` },
  { host: "sdw2", path: `${FOLDER}/gp_dump_status_2_4_${SET}` },
];

function evidenceOf(run: string, set: string, proof: Proof): Evidence {
  const texts = proof.files.map((file) => {
    const text = sample(`dump/${run}/${file.path.slice(FOLDER.length + 1)}`);
    return [fileKey(file), { text, modifiedMs: 0 }] as const;
  });
  const output = { gpcrondump: sample(`dump/${run}/gpcrondump.txt`) };
  expect(output.gpcrondump).toContain(set);
  return { output, files: Object.fromEntries(texts) };
}

const PROOF = proofOf(SET, PLAIN);
const GOOD = evidenceOf("B", SET, PROOF);
const LOG = sample("dump/B/gpcrondump.txt");

/** The good run's evidence, with one text changed. */
function changed(part: string, change: (text: string) => string | undefined): Evidence {
  const files = Object.entries(GOOD.files).flatMap(([key, found]) => {
    const text = key.includes(part) ? change(found.text) : found.text;
    return text === undefined ? [] : [[key, { ...found, text }] as const];
  });
  return { ...GOOD, files: Object.fromEntries(files) };
}

const withLog = (log: string): Evidence => ({ ...GOOD, output: { gpcrondump: log } });
const judge = (evidence: Evidence, found = FOUND): readonly string[] =>
  PROOF.judge(evidence, found);

describe("a dump is proved", () => {
  test("by all signs together, without a word about mail", () => {
    expect(judge(GOOD)).toEqual([]);
  });

  test("with what its log warns of", () => {
    const line = "20261120:09:48:18:030264 gpcrondump:mdw:gpadmin-[WARNING]:-Vacuum has failed\n";
    expect(judge(withLog(`${LOG}${line}`))).toEqual(["gpcrondump on mdw warns: Vacuum has failed"]);
  });

  test("in 4.3's names, too", () => {
    const lists = inOldNames(PLAIN);
    const proof = proofOf(SET, lists);
    const old = (text: string): string =>
      text.replaceAll(/_-1_1_(\d{14})/g, "_1_1_$1").replaceAll(/_\d_([234])_(\d{14})/g, "_0_$1_$2");
    const files = Object.entries(GOOD.files).map(([key, found]) => [
      old(key),
      { ...found, text: old(found.text) },
    ]);
    const found = FOUND.map(({ host, path }) => ({ host, path: old(path) }));
    const evidence = { ...GOOD, files: Object.fromEntries(files) as Evidence["files"] };
    expect(proof.judge(evidence, found)).toEqual([]);
  });

  test("from lists without the log of somebody else's gpcrondump", () => {
    const proof = producerOf().planFromLists?.(PLAIN).plan.proof;
    expect(proof?.judge({ output: {}, files: GOOD.files }, FOUND)).toEqual([]);
    expect(() => proof?.judge({ output: {}, files: {} }, FOUND)).toThrow("is not there");
  });
});

describe("a dump is not proved", () => {
  test("by an exit with 0 while another gpcrondump is running", () => {
    expect(() => judge(withLog(sample("dump/J/second_gpcrondump.txt")))).toThrow(
      expect.objectContaining({
        code: "locked",
        message: "gpcrondump on mdw: An instance of gpcrondump is already running (pid 1126)",
      }),
    );
  });

  test("by a report and a log that say so, when gp_dump was asked to stop", () => {
    const set = "20261120110700";
    const proof = proofOf(set, ofKey(PLAIN, set));
    const evidence = evidenceOf("H", set, proof);
    const found = FOUND.map(({ host, path }) => ({ host, path: path.replaceAll(SET, set) }));
    expect(() => proof.judge(evidence, found)).toThrow(
      `status file ${FOLDER}/gp_dump_status_1_3_${set} on sdw1 says: 20261120:09:51:14|gp_dump_agent-[ERROR]:-SQL command failed`,
    );
  });

  test("by the status of an agent that was killed: no word of an error, none of success", () => {
    const text = sample("dump/K1/gp_dump_status_1_3_20261120111000");
    expect(text).not.toMatch(/error/i);
    expect(() => judge(changed("status_1_3", () => text))).toThrow(
      `status file ${FOLDER}/gp_dump_status_1_3_${SET} on sdw1 does not say that its dump agent finished successfully`,
    );
  });

  test("by the status of an agent whose reader has died", () => {
    const text = sample("dump/F2/gp_dump_status_1_3_20261120110600");
    expect(() => judge(changed("status_1_3", () => text))).toThrow(
      "on sdw1 says: 20261120:09:49:57|gp_dump_agent-[ERROR]:-could not write to output file: Broken",
    );
  });

  test("without the status of an instance", () => {
    expect(() => judge(changed("status_2_4", () => undefined))).toThrow(
      `status file ${FOLDER}/gp_dump_status_2_4_${SET} on sdw2 is not there`,
    );
  });

  test.each([
    ["F2", "20261120110600", "Failed with error:"],
    ["K1", "20261120111000", "Failed with error:"],
    ["K3", "20261120111300", "Finished but errors were found:"],
  ])("by the report of %s", (run, set, message) => {
    const text = sample(`dump/${run}/gp_dump_${set}.rpt`).replaceAll(set, SET);
    expect(() => judge(changed(".rpt", () => text))).toThrow(message);
  });

  test.each([
    [
      "without its success",
      (text: string) => text.replace(/gp_dump utility.*/, ""),
      "does not say",
    ],
    ["of another key", (text: string) => text.replaceAll(SET, "20261120110001"), "of another dump"],
    [
      "without a segment",
      (text: string) => text.replace(/^.*dbid 4.*$/m, ""),
      "has no success of the segment of dbid 4 on host sdw2",
    ],
    ["that is not there", () => undefined, `gp_dump_${SET}.rpt on mdw is not there`],
  ])("by a report %s", (_, change, message) => {
    expect(() => judge(changed(".rpt", change))).toThrow(message);
  });

  test.each(["ao_state_file", "co_state_file", "last_operation", "gp_cdatabase", ".rpt"])(
    "without %s, which only a living gpcrondump writes",
    (part) => {
      expect(() =>
        judge(
          GOOD,
          FOUND.filter(({ path }) => !path.includes(part)),
        ),
      ).toThrow("is not on mdw: gpcrondump was not there when the dump ended");
    },
  );

  test("by a report alone", () => {
    const report = FOUND.filter(({ path }) => path.endsWith(".rpt"));
    expect(() => judge(GOOD, report)).toThrow("gpcrondump was not there when the dump ended");
  });

  test.each([
    ["nothing", "", "gpcrondump on mdw does not say that it has COMPLETED"],
    ["an error", sample("dump/F2/gpcrondump.txt"), "gpcrondump on mdw says:"],
    [
      "another status",
      LOG.replace("= COMPLETED", "= FAILED"),
      "gpcrondump on mdw does not say that it has COMPLETED",
    ],
  ])("by a log that says %s", (_, log, message) => {
    expect(() => judge(withLog(log))).toThrow(message);
  });

  test("when a pipe was written as a regular file", () => {
    const path = `${FOLDER}/gp_dump_1_3_${SET}.gz`;
    expect(() => judge(GOOD, [...FOUND, { host: "sdw1", path }])).toThrow(
      `${path} on sdw1 is a regular file, no pipe: it was written to disk`,
    );
  });

  test("when an instance that is not listed has dumped to its disk", () => {
    const path = `${FOLDER}/gp_dump_0_7_${SET}.gz`;
    expect(() => judge(GOOD, [...FOUND, { host: "sdw2", path }])).toThrow(
      `a dump was written to the disk of host sdw2: ${path} is not in the pipe list`,
    );
  });

  test("when an instance that is not listed has left its status", () => {
    const path = `${FOLDER}/gp_dump_status_0_7_${SET}`;
    expect(() => judge(GOOD, [...FOUND, { host: "sdw2", path }])).toThrow(
      "the segment of dbid 7 on host sdw2 has dumped, and is in no list",
    );
  });
});
