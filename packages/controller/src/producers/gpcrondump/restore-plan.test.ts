import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import type { Manifest } from "@penstock/common";
import { describe, expect, test } from "vitest";
import { AS_PLANNED, type RestoreOptions, type RunPlan } from "../producer.ts";
import {
  AGENTS,
  ASKED_AT_MS,
  CATALOGUE,
  FOLDER,
  inOldNames,
  manifestOf,
  ORIGIN,
  producerOf,
  receiptOf,
  sampleLists,
} from "./sample-cluster.ts";

const SET = "20261120110100";
const WHOLE = manifestOf(SET, sampleLists("gG_stats"));

interface Case {
  readonly manifest?: Manifest;
  readonly more?: string;
  readonly catalogue?: string;
  readonly agents?: readonly string[];
  readonly options?: Partial<RestoreOptions>;
}

function planOf({ manifest = WHOLE, more, catalogue = CATALOGUE, agents, options }: Case): RunPlan {
  const answers = { output: { catalogue }, files: {} };
  const asked = { ...AS_PLANNED, ...options };
  return producerOf(more, agents).planRestore(manifest, answers, asked);
}

const shown = ({ streams }: RunPlan): string[] =>
  streams.map(({ host, path, required }) => `${host} ${path}${required ? "" : " optional"}`);
const pipes = (plan: RunPlan): string[] =>
  shown({ ...plan, streams: plan.streams.filter(({ kind }) => kind === "fifo") });
const argsOf = (plan: RunPlan): readonly string[] => plan.tools[0]?.args ?? [];

describe("the plan of a restore", () => {
  const plan = planOf({});

  test("asks who serves now", () => {
    const inquiry = producerOf().inquireRestore?.(WHOLE);
    expect(inquiry?.files).toEqual([]);
    expect(inquiry?.tools).toMatchObject([{ id: "catalogue", host: "mdw", tool: "psql" }]);
    const options = { ...AS_PLANNED, hosts: { mdw: "mdw2" } };
    expect(producerOf().inquireRestore?.(WHOLE, options).tools[0]?.host).toBe("mdw2");
  });

  test("looks for the tables that are asked for, unless told not to", async () => {
    const tables = ["public.t_ao", "public.t_oa"];
    expect(planOf({}).lookInto).toBeUndefined();
    expect(
      planOf({ options: { tables, extra: ["--no-validate-table-name"] } }).lookInto,
    ).toBeUndefined();
    const look = planOf({ options: { tables, extra: ["-Ts2.t"] } }).lookInto;
    expect(look?.receipt.name).toBe(`gp_dump_-1_1_${SET}.gz`);
    const zipped = async function* (text: string) {
      yield gzipSync(text);
    };
    const header = (table: string): string =>
      `-- Name: ${table}; Type: TABLE; Schema: public; Owner: g\n`;
    const never = new AbortController().signal;
    expect(await look?.problem(zipped(header("t_ao")), never)).toEqual({
      message: `set ${SET} of database testdb has no tables public.t_oa, s2.t`,
      hint: expect.stringContaining(`penstock cat ${SET} gp_dump_-1_1_${SET}.gz | gunzip`),
    });
    const has = planOf({ options: { tables: ["public.t_ao"] } }).lookInto;
    expect(await has?.problem(zipped(header("t_ao")), never)).toBeUndefined();
    await expect(has?.problem(Readable.from([Buffer.from("no gzip")]), never)).rejects.toThrow();
  });

  test("puts the coordinator's files back, but for the status of the dump", () => {
    expect(plan.streams.filter(({ kind }) => kind === "file").map(({ path }) => path)).toEqual([
      `${FOLDER}/gp_cdatabase_-1_1_${SET}`,
      `${FOLDER}/gp_dump_${SET}_ao_state_file`,
      `${FOLDER}/gp_dump_${SET}_co_state_file`,
      `${FOLDER}/gp_dump_${SET}_last_operation`,
      `${FOLDER}/gp_dump_${SET}.rpt`,
    ]);
  });

  test("has pipes for what gpdbrestore reads: no tars, and neither globals nor statistics unasked", () => {
    expect(pipes(plan)).toEqual([
      `mdw ${FOLDER}/gp_dump_-1_1_${SET}.gz`,
      `sdw1 ${FOLDER}/gp_dump_0_2_${SET}.gz`,
      `sdw1 ${FOLDER}/gp_dump_1_3_${SET}.gz`,
      `sdw2 ${FOLDER}/gp_dump_2_4_${SET}.gz`,
      `mdw ${FOLDER}/gp_dump_-1_1_${SET}_post_data.gz`,
    ]);
  });

  test("starts gpdbrestore, which has no -x", () => {
    expect(plan.tools).toMatchObject([
      {
        id: "restore",
        host: "mdw",
        tool: "gpdbrestore",
        args: ["-a", "-t", SET, "-u", "/gp/backups"],
        stopSignal: "SIGINT",
        origin: [...ORIGIN, "restore"],
      },
    ]);
    expect(plan.tools[0]?.streams).toEqual(
      plan.streams.filter(({ kind }) => kind === "fifo").map(({ name }) => name),
    );
    expect(plan.files).toEqual([]);
  });

  test("names restore agents and whatever waits for one of its pipes", () => {
    expect(plan.strays).toContain(`--gp-k ${SET}_`);
    expect(plan.strays).toContain(`cat ${FOLDER}/gp_dump_2_4_${SET}.gz`);
    expect(plan.strays?.every((stray) => stray.includes(SET))).toBe(true);
  });

  test("adds globals and statistics if the options ask for them", () => {
    const more = "directory: /gp/backups\nrestore: [-e, -G]\n";
    const full = planOf({ more, options: { extra: ["--restore-stats"] } });
    expect(argsOf(full).slice(5)).toEqual(["-e", "-G", "--restore-stats"]);
    const all = pipes(full);
    expect(all).toHaveLength(7);
    expect(all).toContain(`mdw ${FOLDER}/gp_global_-1_1_${SET}`);
    expect(all).toContain(`mdw ${FOLDER}/gp_statistics_-1_1_${SET}`);
  });

  test("waits for nothing else when only globals or statistics are restored", () => {
    const globals = planOf({ options: { extra: ["-G", "only"] } });
    expect(pipes(globals).filter((pipe) => !pipe.endsWith("optional"))).toEqual([
      `mdw ${FOLDER}/gp_global_-1_1_${SET}`,
    ]);
    const statistics = planOf({ options: { extra: ["--restore-stats", "only"] } });
    expect(pipes(statistics).filter((pipe) => !pipe.endsWith("optional"))).toEqual([
      `mdw ${FOLDER}/gp_statistics_-1_1_${SET}`,
    ]);
  });

  test("keeps the segments' pipes for metadata alone, but does not wait for them", () => {
    const metadata = planOf({ options: { metadataOnly: true } });
    expect(argsOf(metadata)).toContain("-m");
    expect(pipes(metadata)).toEqual([
      `mdw ${FOLDER}/gp_dump_-1_1_${SET}.gz`,
      `sdw1 ${FOLDER}/gp_dump_0_2_${SET}.gz optional`,
      `sdw1 ${FOLDER}/gp_dump_1_3_${SET}.gz optional`,
      `sdw2 ${FOLDER}/gp_dump_2_4_${SET}.gz optional`,
      `mdw ${FOLDER}/gp_dump_-1_1_${SET}_post_data.gz`,
    ]);
    expect(metadata.proof?.files.map(({ path }) => path)).toEqual([
      `${FOLDER}/gp_restore_${SET}.rpt`,
      `${FOLDER}/gp_restore_status_-1_1_${SET}`,
    ]);
  });

  test("hands tables on", () => {
    const filtered = planOf({ options: { tables: ["public.t_ao", "s2.We ird"] } });
    expect(argsOf(filtered).slice(5)).toEqual(["-T", "public.t_ao", "-T", "s2.We ird"]);
  });

  test("refuses what would not go through pipes", () => {
    expect(() => planOf({ options: { extra: ["-x", "testdb"] } })).toThrow(
      expect.objectContaining({
        code: "usage",
        message: expect.stringContaining("gpdbrestore has no such option") as string,
      }),
    );
  });

  test.each([
    ["-G", "globals", "it was dumped without -G"],
    ["--restore-stats", "statistics", "it was dumped without --dump-stats"],
  ])("refuses %s for a set that has none", (option, what, hint) => {
    const manifest = manifestOf("20261120110000", sampleLists("plain"));
    expect(() => planOf({ manifest, options: { extra: [option] } })).toThrow(
      expect.objectContaining({
        code: "not_found",
        message: `set 20261120110000 has no ${what}, which ${option} restores`,
        hint,
      }),
    );
  });
});

describe("a restore into another cluster than the one of the dump", () => {
  test("names pipes for the primary of now, on its host", () => {
    const catalogue = CATALOGUE.replace("1|3|", "1|8|").replace(
      `1|8|${ASKED_AT_MS}|sdw1`,
      `1|8|${ASKED_AT_MS}|sdw2`,
    );
    const moved = planOf({ catalogue }).streams.find(({ contentId }) => contentId === 1);
    expect(moved).toMatchObject({
      name: `gp_dump_1_3_${SET}.gz`,
      host: "sdw2",
      path: `${FOLDER}/gp_dump_1_8_${SET}.gz`,
      dbid: 8,
    });
  });

  test("uses the agents that stand in for others", () => {
    const agents = [...AGENTS, "n0", "n1"];
    const options = { hosts: { mdw: "n0", sdw1: "n1" } };
    const mapped = planOf({ agents, options });
    expect(mapped.tools[0]?.host).toBe("n0");
    expect(mapped.streams.map(({ host }) => host)).toEqual([
      ...Array.from({ length: 6 }, () => "n0"),
      ...["n1", "n1", "sdw2", "n0"],
    ]);
    const more = "directory: /gp/backups\nhosts: {sdw1: sdw1, sdw2: sdw2}\n";
    expect(planOf({ more, options }).streams[7]?.host).toBe("n1");
  });

  test("uses data directories of now where there is no other directory", () => {
    const more = "coordinatorDataDirectory: /gp/data/master/gpseg-1\n";
    const manifest = manifestOf("20261120112003", sampleLists("no_u_g"));
    const catalogue = CATALOGUE.replace("/gp/data/p/gpseg1", "/data2/gpseg1");
    const plan = planOf({ manifest, more, catalogue });
    expect(pipes(plan)).toContain(
      "sdw1 /data2/gpseg1/db_dumps/20261120/gp_dump_1_3_20261120112003.gz",
    );
    expect(argsOf(plan)).toEqual(["-a", "-t", "20261120112003"]);
    expect(plan.proof?.files.map(({ path }) => path)).toEqual([
      "/gp/data/master/gpseg-1/gp_restore_20261120112003.rpt",
      "/gp/data/master/gpseg-1/gp_restore_status_-1_1_20261120112003",
      "/gp/data/p/gpseg0/gp_restore_status_0_2_20261120112003",
      "/data2/gpseg1/gp_restore_status_1_3_20261120112003",
      "/gp/data/p/gpseg2/gp_restore_status_2_4_20261120112003",
    ]);
  });

  test("of another number of segments is refused", () => {
    const fewer = CATALOGUE.replace(/^2\|4.*\n/m, "");
    expect(() => planOf({ catalogue: fewer })).toThrow(
      expect.objectContaining({
        code: "failed",
        message: `set ${SET} has the dumps of content 0, content 1, content 2, and the cluster has content 0 (dbid 2 on sdw1), content 1 (dbid 3 on sdw1)`,
        hint: "gpdbrestore needs a cluster of the same number of segments",
      }),
    );
    const more = `${CATALOGUE}3|5|${ASKED_AT_MS}|sdw2|/gp/data/p/gpseg3\n`;
    expect(() => planOf({ catalogue: more })).toThrow("content 3 (dbid 5 on sdw2)");
  });
});

describe("a set of 4.3", () => {
  const lists = inOldNames(sampleLists("plain"));
  const key = "20261120110000";
  const bare = manifestOf(key, lists);
  const known: Manifest = {
    ...bare,
    streams: bare.streams.map((receipt) => {
      const dbid = Number(/_0_(\d)_/.exec(receipt.name)?.[1] ?? 1);
      return { ...receipt, contentId: dbid - 2, dbid };
    }),
  };

  test("is restored by content, under its own names", () => {
    const catalogue = CATALOGUE.replace("1|3|", "1|8|");
    const moved = planOf({ manifest: known, catalogue });
    expect(pipes(moved)).toContain(`sdw1 ${FOLDER}/gp_dump_0_8_${key}.gz`);
    expect(pipes(moved)).toContain(`mdw ${FOLDER}/gp_dump_1_1_${key}_post_data.gz`);
  });

  test("that does not know contents is restored while dbids are the same", () => {
    expect(pipes(planOf({ manifest: bare }))).toContain(`sdw2 ${FOLDER}/gp_dump_0_4_${key}.gz`);
    const catalogue = CATALOGUE.replace("1|3|", "1|8|");
    expect(() => planOf({ manifest: bare, catalogue })).toThrow(
      `set ${key} has the dumps of dbid 2, dbid 3, dbid 4`,
    );
  });
});

describe("a set", () => {
  test("with a prefix is restored with it", () => {
    const manifest = manifestOf("20261120112000", sampleLists("prefix_T_g"));
    const more = "directory: /gp/backups\nprefix: foo\n";
    const plan = planOf({ manifest, more });
    expect(argsOf(plan).slice(5)).toEqual(["--prefix", "foo"]);
    expect(pipes(plan)).toContain(`sdw2 ${FOLDER}/foo_gp_dump_2_4_20261120112000.gz`);
    expect(plan.proof?.files[0]?.path).toBe(`${FOLDER}/foo_gp_restore_20261120112000.rpt`);
    expect(() => planOf({ manifest })).toThrow(
      "set 20261120112000 has no dump of gpcrondump without a prefix",
    );
  });

  test("without gzip is restored without it", () => {
    const manifest = manifestOf("20261120110300", sampleLists("z_uncompressed"));
    expect(pipes(planOf({ manifest }))).toContain(`sdw1 ${FOLDER}/gp_dump_0_2_20261120110300`);
  });

  test("of an incremental dump is refused with the reason", () => {
    const manifest = manifestOf("20261120114000", sampleLists("incremental"));
    expect(() => planOf({ manifest })).toThrow(
      expect.objectContaining({
        code: "failed",
        message:
          "set 20261120114000 is an incremental dump (it has gp_dump_20261120113000_increments): gpdbrestore reads several sets at once then, which is not supported",
      }),
    );
  });

  test.each(["post_data", ".rpt", "gp_cdatabase"])("without %s cannot be restored", (part) => {
    const streams = WHOLE.streams.filter(({ name }) => !name.includes(part));
    expect(() => planOf({ manifest: { ...WHOLE, streams } })).toThrow(
      expect.objectContaining({ code: "not_found" }),
    );
  });

  test("may have globals as a regular file", () => {
    const path = `${FOLDER}/gp_global_-1_1_${SET}`;
    const streams = WHOLE.streams.map((receipt) =>
      receipt.path === path ? receiptOf("mdw.globals", "mdw", "file", path) : receipt,
    );
    const plan = planOf({ manifest: { ...WHOLE, streams }, options: { extra: ["-G"] } });
    expect(plan.streams.filter((stream) => stream.path === path)).toMatchObject([{ kind: "file" }]);
  });
});

describe("a restore of some contents", () => {
  const plan = planOf({ options: { contentIds: [2, 0] } });

  test("runs gp_restore with their dbids, without the coordinator's", () => {
    expect(plan.tools).toMatchObject([
      {
        tool: "gp_restore",
        args: [
          ...["-i", "--gp-i", `--gp-k=${SET}`, "--gp-l=i[2,4]", `--gp-d=${FOLDER}`],
          ...[`--gp-r=${FOLDER}`, `--status=${FOLDER}`, "--gp-c", "-d", "testdb"],
        ],
        doubtfulStatuses: [2],
      },
    ]);
  });

  test("has their pipes and nothing else", () => {
    expect(shown(plan)).toEqual([
      `sdw1 ${FOLDER}/gp_dump_0_2_${SET}.gz`,
      `sdw2 ${FOLDER}/gp_dump_2_4_${SET}.gz`,
    ]);
    expect(plan.proof?.files.map(({ path }) => path)).toEqual([
      `${FOLDER}/gp_restore_${SET}.rpt`,
      `${FOLDER}/gp_restore_status_0_2_${SET}`,
      `${FOLDER}/gp_restore_status_2_4_${SET}`,
    ]);
  });

  test("goes to the database that the plan redirects to", () => {
    const more = "directory: /gp/backups\nrestore: [-e, --redirect, copy]\n";
    expect(argsOf(planOf({ more, options: { contentIds: [1] } })).slice(-2)).toEqual([
      "-d",
      "copy",
    ]);
  });

  test("of a 4.3 set without a directory says so to gp_restore", () => {
    const more = "coordinatorDataDirectory: /gp/data/master/gpseg-1\n";
    const manifest = manifestOf("20261120110000", inOldNames(sampleLists("plain")));
    expect(argsOf(planOf({ manifest, more, options: { contentIds: [1] } }))).toEqual([
      ...["-i", "--gp-i", "--gp-k=20261120110000", "--gp-l=i[3]", "--gp-d=db_dumps/20261120"],
      ...["--gp-c", "--old-format", "-d", "testdb"],
    ]);
  });

  test.each([
    [{ metadataOnly: true }, "--content-ids cannot be given together with --metadata-only"],
    [{ tables: ["a.b"] }, "--content-ids cannot be given together with --table"],
    [{ extra: ["-e"] }, "--content-ids cannot be given together with -e"],
  ])("refuses %j", (options, message) => {
    expect(() => planOf({ options: { ...options, contentIds: [0] } })).toThrow(
      expect.objectContaining({ code: "usage", message }),
    );
  });

  test("refuses contents that the set has not, and none at all", () => {
    expect(() => planOf({ options: { contentIds: [1, 7] } })).toThrow(
      `set ${SET} has no segment of content 7; it has 0, 1, 2`,
    );
    expect(() => planOf({ options: { contentIds: [] } })).toThrow("no content id is given");
  });
});
