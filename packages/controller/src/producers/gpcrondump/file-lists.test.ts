import { describe, expect, test } from "vitest";
import { keyOf, readLists } from "./file-lists.ts";
import { inOldNames, sampleLists } from "./sample-cluster.ts";

const PLAIN = sampleLists("plain");
const naming = { key: "20261120110000", prefix: "" };
const kindsOf = (name: string, key: string, prefix = ""): string[] =>
  readLists(sampleLists(name), { key, prefix }).pipes.map(({ kind }) => kind);

describe("the lists of gpcrondump", () => {
  test("name segments, metadata and post-data", () => {
    expect(kindsOf("plain", "20261120110000")).toEqual([
      "segment",
      "segment",
      "segment",
      "metadata",
      "postData",
    ]);
    expect(readLists(PLAIN, naming).pipes[2]).toEqual({
      host: "sdw2",
      path: "/gp/backups/db_dumps/20261120/gp_dump_2_4_20261120110000.gz",
      name: "gp_dump_2_4_20261120110000.gz",
      kind: "segment",
      contentId: 2,
      dbid: 4,
      isGzip: true,
    });
  });

  test("name globals, tars and statistics, if they were asked for", () => {
    expect(new Set(kindsOf("gG_stats", "20261120110100"))).toEqual(
      new Set([
        "segment",
        "segmentConfig",
        "metadata",
        "postData",
        "globals",
        "masterConfig",
        "statistics",
      ]),
    );
  });

  test("are read without a directory, with a prefix and without gzip", () => {
    expect(kindsOf("no_u_g", "20261120112003")).toContain("masterConfig");
    expect(kindsOf("prefix_T_g", "20261120112000", "foo_")).toContain("postData");
    const { pipes } = readLists(sampleLists("z_uncompressed"), {
      key: "20261120110300",
      prefix: "",
    });
    expect(pipes.map(({ isGzip }) => isGzip)).toEqual([false, false, false, false, false]);
  });

  test("of 4.3 do not tell contents", () => {
    const lists = readLists(inOldNames(PLAIN), naming);
    expect(lists.naming.version).toBe("4.3");
    expect(lists.pipes.map(({ contentId }) => contentId)).toEqual([
      undefined,
      undefined,
      undefined,
      -1,
      -1,
    ]);
  });

  const without = (text: string): (() => unknown) => {
    const pipes = PLAIN.pipes
      .split("\n")
      .filter((line) => !line.includes(text))
      .join("\n");
    const regularFiles = PLAIN.regularFiles
      .split("\n")
      .filter((line) => !line.includes(text))
      .join("\n");
    return () => readLists({ pipes, regularFiles }, naming);
  };

  test.each([
    ["post_data", "the pipe list of set 20261120110000 has no post-data"],
    ["gp_dump_-1_1_20261120110000.gz", "the pipe list of set 20261120110000 has no metadata"],
    ["gp_dump_1_3", "the pipe list of set 20261120110000 lacks the pipe of content 1"],
    ["ao_state", "the list of regular files of set 20261120110000 lacks: aoState"],
    [".rpt", "the list of regular files of set 20261120110000 lacks: report"],
  ])("without %s are refused", (text, message) => {
    expect(without(text)).toThrow(message);
  });

  test.each([
    ["cut off", PLAIN.pipes.slice(0, -5), "the pipe list ends in the middle of a line"],
    ["empty", "", "the pipe list ends in the middle of a line"],
    [
      "without a host",
      PLAIN.pipes.replace("sdw1:", ""),
      "line 1 of the pipe list is not host:/path",
    ],
    [
      "that climb",
      PLAIN.pipes.replace("/gp/b", "/gp/../b"),
      "line 1 of the pipe list is not host:/",
    ],
    [
      "with carriage returns",
      PLAIN.pipes.replaceAll("\n", "\r\n"),
      "line 1 of the pipe list is not",
    ],
    ["with a line twice", `${PLAIN.pipes}${PLAIN.pipes}`, "twice"],
    [
      "of another key",
      PLAIN.pipes.replace("0_2_20261120110000", "0_2_20261120110001"),
      "which is no known file of set 20261120110000",
    ],
    [
      "of an unknown kind",
      PLAIN.pipes.replace("post_data", "toast"),
      "gp_dump_-1_1_20261120110000_toast.gz on mdw, which is no known file",
    ],
    [
      "with a file that cannot be a pipe",
      `${PLAIN.pipes}mdw:/gp/backups/gp_dump_20261120110000.rpt\n`,
      "the pipe list names /gp/backups/gp_dump_20261120110000.rpt on mdw",
    ],
  ])("%s are refused", (_, pipes, message) => {
    expect(() => readLists({ ...PLAIN, pipes }, naming)).toThrow(message);
  });

  test("of an incremental dump are refused with the reason", () => {
    expect(() =>
      readLists(sampleLists("incremental"), { key: "20261120114000", prefix: "" }),
    ).toThrow(
      expect.objectContaining({
        code: "failed",
        message: "the lists are of an incremental dump (gp_dump_20261120113000_increments)",
      }),
    );
  });

  test("with a prefix that nobody has asked for are refused", () => {
    expect(() =>
      readLists(sampleLists("prefix_T_g"), { key: "20261120112000", prefix: "" }),
    ).toThrow("which is no known file of set 20261120112000");
  });

  test("tell their key", () => {
    expect(keyOf(PLAIN)).toBe("20261120110000");
    expect(() => keyOf({ ...PLAIN, pipes: sampleLists("gG_stats").pipes })).toThrow(
      "the lists hold several keys: 20261120110100, 20261120110000",
    );
    expect(() => keyOf({ pipes: "mdw:/x\n", regularFiles: "mdw:/y\n" })).toThrow(
      "the lists hold no key of fourteen digits",
    );
  });
});
