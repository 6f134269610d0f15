import { describe, expect, test } from "vitest";
import {
  AS_PLANNED,
  type Evidence,
  fileKey,
  type Proof,
  type RestoreOptions,
} from "../producer.ts";
import {
  ASKED_AT_MS,
  CATALOGUE,
  FOLDER,
  manifestOf,
  producerOf,
  sample,
  sampleLists,
} from "./sample-cluster.ts";

const SET = "20261120110100";

function proofOf(options: Partial<RestoreOptions> = {}): Proof {
  const manifest = manifestOf(SET, sampleLists("gG_stats"));
  const answers = { output: { catalogue: CATALOGUE }, files: {} };
  const { proof } = producerOf().planRestore(manifest, answers, { ...AS_PLANNED, ...options });
  if (proof === undefined) throw new Error("no proof");
  return proof;
}

const PROOF = proofOf();

const GOOD: Evidence = {
  output: { restore: sample("restore/R1/gpdbrestore.txt") },
  files: Object.fromEntries(
    PROOF.files.map((file) => {
      const text = sample(`restore/files/${file.path.slice(FOLDER.length + 1)}`);
      return [fileKey(file), { text, modifiedMs: ASKED_AT_MS + 10_000 }];
    }),
  ),
};

const judge = (evidence: Evidence): readonly string[] => PROOF.judge(evidence, []);

function changed(
  part: string,
  change: { text?: (old: string) => string; modifiedMs?: number },
): Evidence {
  const files = Object.entries(GOOD.files).map(([key, found]) => {
    if (!key.includes(part)) return [key, found];
    const { modifiedMs = found.modifiedMs, text = (old: string): string => old } = change;
    return [key, { text: text(found.text), modifiedMs }];
  });
  return { ...GOOD, files: Object.fromEntries(files) as Evidence["files"] };
}

function without(part: string): Evidence {
  const files = Object.entries(GOOD.files).filter(([key]) => !key.includes(part));
  return { ...GOOD, files: Object.fromEntries(files) };
}

const withLog = (restore: string): Evidence => ({ ...GOOD, output: { restore } });

describe("a restore is proved", () => {
  test("by report and status files of its own", () => {
    expect(judge(GOOD)).toEqual([]);
  });

  test("with tables that were not looked for, since they come through pipes", () => {
    expect(judge(withLog(sample("restore/P1/gpdbrestore.txt")))).toEqual([]);
  });

  test("with warnings when gp_restore has found errors and gpdbrestore exits with 0", () => {
    const line = 'psql:<stdin>:12: ERROR:  relation "t" already exists\n';
    const bad = changed("status_1_3", { text: (old) => `${old}${line}` });
    const evidence = { ...bad, output: { restore: sample("restore/R8/gpdbrestore.txt") } };
    expect(judge(evidence)).toEqual([
      "gpdbrestore on mdw warns: gpdbrestore finished but ERRORS were found, please check the restore report file for details",
      'sdw1: psql:<stdin>:12: ERROR:  relation "t" already exists',
    ]);
  });

  test("with the report's warnings", () => {
    const line = `Restore of testdb on dbid 3 (sdw1:16001) from ${FOLDER}/x.gz: Completed but errors were found:`;
    const text = (old: string): string =>
      old
        .replace(/\tRestore of testdb on dbid 3.*/, `\t${line} \n{\nERROR: x\n}`)
        .replace("finished successfully", "finished but errors were found");
    expect(judge(changed(".rpt", { text }))).toEqual([
      `report ${FOLDER}/gp_restore_${SET}.rpt on mdw says: ${line}`,
    ]);
  });

  test("with no more than some errors of each instance", () => {
    const errors = Array.from({ length: 25 }, (_, index) => `ERROR: ${index}`).join("\n");
    const warnings = judge(changed("status_2_4", { text: () => errors }));
    expect(warnings).toHaveLength(11);
    expect(warnings[10]).toBe(`sdw2: 15 more errors in ${FOLDER}/gp_restore_status_2_4_${SET}`);
  });

  test("by its log alone for globals and statistics", () => {
    const globals = proofOf({ extra: ["-G", "only"] });
    expect(globals.judge({ ...GOOD, files: {} }, [])).toEqual([]);
    expect(() => globals.judge({ output: {}, files: {} }, [])).toThrow(
      "gpdbrestore on mdw does not say that it has restored global objects",
    );
    const statistics = proofOf({ extra: ["--restore-stats", "only"] });
    expect(statistics.judge({ ...GOOD, files: {} }, [])).toEqual([]);
  });
});

describe("a restore is not proved", () => {
  test("by a log that ends in a failure", () => {
    expect(() => judge(withLog(sample("restore/R3/gpdbrestore.txt")))).toThrow(
      "gpdbrestore on mdw says: gpdbrestore failed. (Reason='gpdbrestore finished unsuccessfully')",
    );
  });

  test("by a log of gp_restore that ends in a failure, and it is gp_restore that says so", () => {
    const restore = "20261120:10:04:07|gp_restore-[FATAL]:-no such database\n";
    expect(() => proofOf({ contentIds: [1] }).judge({ ...GOOD, output: { restore } }, [])).toThrow(
      "gp_restore on mdw says: no such database",
    );
  });

  test("by the report of an earlier restore", () => {
    expect(() => judge(changed(".rpt", { modifiedMs: ASKED_AT_MS - 5_000 }))).toThrow(
      `report ${FOLDER}/gp_restore_${SET}.rpt on mdw is of an earlier restore`,
    );
  });

  test("by the status of an earlier restore, as far as clocks can differ", () => {
    expect(judge(changed("status_2_4", { modifiedMs: ASKED_AT_MS - 100_000 }))).toEqual([]);
    expect(() => judge(changed("status_2_4", { modifiedMs: ASKED_AT_MS - 130_000 }))).toThrow(
      `status file ${FOLDER}/gp_restore_status_2_4_${SET} on sdw2 is of an earlier restore`,
    );
  });

  test.each([
    [".rpt", "on mdw is not there"],
    ["status_-1_1", "on mdw is not there"],
    ["status_0_2", "on sdw1 is not there"],
  ])("without %s", (part, message) => {
    expect(() => judge(without(part))).toThrow(message);
  });

  test("by a status file that is silent", () => {
    const text = (old: string): string => old.replace(/^.*Finished successfully.*\n/gm, "");
    expect(() => judge(changed("status_0_2", { text }))).toThrow(
      `gp_restore_status_0_2_${SET} on sdw1 does not say that its restore agent finished successfully`,
    );
  });

  test.each([
    [
      "a failed instance",
      (old: string) => old.replace(/Succeeded$/m, "Failed with error:"),
      "Failed with error:",
    ],
    [
      "no success",
      (old: string) =>
        old.replace("finished successfully", "finished unsuccessfully with 1 failures"),
      "finished unsuccessfully with 1 failures",
    ],
    [
      "no end",
      (old: string) => old.replace(/gp_restore {2}utility.*/, ""),
      "does not say that gp_restore finished",
    ],
    [
      "another set",
      (old: string) => old.replaceAll(SET, "20261120110101"),
      "is of another set than",
    ],
  ])("by a report of %s", (_, text, message) => {
    expect(() => judge(changed(".rpt", { text }))).toThrow(message);
  });
});

describe("a restore that has failed is explained", () => {
  const explain = (files: Evidence["files"]): readonly string[] => PROOF.explain?.(files) ?? [];
  const bad = { text: (old: string) => `${old}\n|gp_restore_agent-[ERROR]:-psql was killed\n` };

  test("by the errors of its restore agents, with their hosts", () => {
    expect(explain(changed("status_1_3", bad).files)).toEqual([
      expect.stringMatching(/^sdw\d: .*psql was killed$/),
    ]);
    expect(explain(GOOD.files)).toEqual([]);
  });

  test("not by those of an earlier one", () => {
    const modifiedMs = ASKED_AT_MS - 600_000;
    expect(explain(changed("status_1_3", { ...bad, modifiedMs }).files)).toEqual([]);
  });
});
