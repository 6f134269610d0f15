import { describe, expect, test } from "vitest";
import { type FileLists, NO_EVIDENCE, type RunPlan } from "../producer.ts";
import {
  ASKED_AT_MS,
  answersOf,
  CATALOGUE,
  FOLDER,
  inOldNames,
  ORIGIN,
  producerOf,
  sample,
  sampleLists,
} from "./sample-cluster.ts";

const SET = "20261120110000";

interface Case {
  readonly set?: string;
  readonly lists?: FileLists;
  readonly more?: string;
  readonly catalogue?: string;
  readonly agents?: readonly string[];
}

function planOf({
  set = SET,
  lists = sampleLists("plain"),
  more,
  catalogue,
  agents,
}: Case): RunPlan {
  const producer = producerOf(more, agents);
  const files = producer.inquireBackup?.(set).files ?? [];
  return producer.planBackup(set, answersOf(lists, files, catalogue));
}

const FULL = { set: "20261120110100", lists: sampleLists("gG_stats") };

describe("the inquiry of a dump", () => {
  const more = `directory: /gp/backups/
prefix: foo
options: ["-g", "-G", "--dump-stats"]
port: 15432
`;
  const inquiry = producerOf(more).inquireBackup?.(SET);

  test("asks who serves, and has the files listed with the options of the dump", () => {
    expect(inquiry?.tools).toMatchObject([
      { id: "catalogue", host: "mdw", tool: "psql", env: { PGPORT: "15432" }, streams: [] },
      {
        id: "listing",
        host: "mdw",
        tool: "gpcrondump",
        args: [
          ...["--list-backup-files", "-x", "testdb", "-K", SET, "-u", "/gp/backups/"],
          ...["--prefix", "foo", "-g", "-G", "--dump-stats"],
        ],
        env: { PGPORT: "15432" },
        origin: [...ORIGIN, "options"],
      },
    ]);
  });

  test("reads both lists, where gpcrondump writes them", () => {
    expect(inquiry?.files).toEqual([
      { host: "mdw", path: `${FOLDER}/foo_gp_dump_${SET}_pipes` },
      { host: "mdw", path: `${FOLDER}/foo_gp_dump_${SET}_regular_files` },
    ]);
    const own = producerOf("coordinatorDataDirectory: /gp/data/master/gpseg-1\n");
    expect(own.inquireBackup?.(SET).files[0]?.path).toBe(
      `/gp/data/master/gpseg-1/db_dumps/20261120/gp_dump_${SET}_pipes`,
    );
  });
});

describe("the plan of a dump", () => {
  test("has every listed pipe, gzip as it is and checked to its end", () => {
    const { streams } = planOf({});
    expect(streams).toHaveLength(5);
    expect(streams[0]).toEqual({
      name: `gp_dump_0_2_${SET}.gz`,
      host: "sdw1",
      kind: "fifo",
      path: `${FOLDER}/gp_dump_0_2_${SET}.gz`,
      contentId: 0,
      dbid: 2,
      required: true,
      codec: "none",
      format: "gpdump.gz",
      whileItWaits:
        "locks on the dumped tables of database testdb: ALTER, DROP and TRUNCATE of them wait",
      origin: ORIGIN,
    });
  });

  test("leaves plain dumps to the plan's codec", () => {
    const { streams } = planOf({ set: "20261120110300", lists: sampleLists("z_uncompressed") });
    expect(streams.map(({ codec, format }) => [codec, format])).toEqual(
      streams.map(() => [undefined, "gpdump"]),
    );
  });

  test("holds statistics open, and nothing else", () => {
    const { streams } = planOf(FULL);
    expect(streams.filter(({ heldOpen }) => heldOpen).map(({ name }) => name)).toEqual([
      "gp_statistics_-1_1_20261120110100",
    ]);
    const byName = (part: string): object | undefined =>
      streams.find(({ name }) => name.includes(part));
    expect(byName("gp_global")).not.toHaveProperty("format");
    expect(byName("gp_master_config")).toMatchObject({ format: "tar", contentId: -1 });
    expect(byName("gp_segment_config_files_2")).toMatchObject({ format: "tar", contentId: 2 });
    expect(byName("gp_segment_config_files_2")).not.toHaveProperty("whileItWaits");
  });

  test("says what metadata and post-data lock while nobody reads them", () => {
    const dangers = planOf({}).streams.map(({ whileItWaits }) => whileItWaits ?? "");
    expect(dangers.filter((danger) => danger.startsWith("an EXCLUSIVE lock on pg_class"))).toEqual([
      "an EXCLUSIVE lock on pg_class: CREATE, ALTER, DROP, TRUNCATE, ANALYZE and VACUUM wait in database testdb",
      "an EXCLUSIVE lock on pg_class: CREATE, ALTER, DROP, TRUNCATE, ANALYZE and VACUUM wait in database testdb",
    ]);
  });

  test("starts one gpcrondump, which is stopped alone", () => {
    const more = "directory: /gp/backups\noptions: [-g]\n";
    const { tools, streams } = planOf({ more });
    expect(tools).toMatchObject([
      {
        id: "gpcrondump",
        host: "mdw",
        tool: "gpcrondump",
        args: ["-a", "-b", "-x", "testdb", "-K", SET, "-u", "/gp/backups", "-g"],
        streams: streams.map(({ name }) => name),
        stopAlone: true,
        keepStdoutBytes: 262_144,
      },
    ]);
  });

  test("knows what a key that is too old needs", () => {
    const [known] = planOf({}).tools[0]?.knownFailures ?? [];
    expect(known?.says).toBe("There is a future dated backup on the system");
    expect(known?.hint).toContain(
      "keys are UTC here, and local time where gpcrondump makes its own",
    );
  });

  test("collects whatever has the key in its name, in every folder of the dump", () => {
    expect(
      planOf({})
        .files.map(({ host, glob }) => `${host}:${glob}`)
        .toSorted(),
    ).toEqual([`mdw:${FOLDER}/*${SET}*`, `sdw1:${FOLDER}/*${SET}*`, `sdw2:${FOLDER}/*${SET}*`]);
    const more = "coordinatorDataDirectory: /gp/data/master/gpseg-1\n";
    const own = planOf({ set: "20261120112003", lists: sampleLists("no_u_g"), more });
    expect(own.files).toHaveLength(4);
    expect(own.files).toContainEqual({
      host: "sdw1",
      glob: "/gp/data/p/gpseg1/db_dumps/20261120/*20261120112003*",
      origin: ORIGIN,
    });
  });

  test("names the processes that the database servers fork, and not gp_dump", () => {
    expect(planOf({}).strays).toEqual([
      `gp_dump_agent --gp-k ${SET}_`,
      `_${SET}_post_data`,
      `_${SET}.tar`,
    ]);
  });

  test("reads the report, and the status of every instance beside its dump", () => {
    expect(planOf({}).proof?.files).toEqual([
      { host: "mdw", path: `${FOLDER}/gp_dump_${SET}.rpt` },
      { host: "mdw", path: `${FOLDER}/gp_dump_status_-1_1_${SET}` },
      { host: "sdw1", path: `${FOLDER}/gp_dump_status_0_2_${SET}` },
      { host: "sdw1", path: `${FOLDER}/gp_dump_status_1_3_${SET}` },
      { host: "sdw2", path: `${FOLDER}/gp_dump_status_2_4_${SET}` },
    ]);
  });

  test("maps hosts of the catalogue to agents", () => {
    const agents = ["coord", "a", "b"];
    const more = "directory: /gp/backups\nhosts: {mdw: mdw, sdw1: a, sdw2: b}\n";
    expect(planOf({ more, agents }).streams.map(({ host }) => host)).toEqual([
      "a",
      "a",
      "b",
      "mdw",
      "mdw",
    ]);
  });

  test("refuses a host without an agent", () => {
    expect(() => planOf({ agents: ["mdw", "sdw1"] })).toThrow(
      expect.objectContaining({
        code: "usage",
        message: "the pipe list names host sdw2, which has no agent in this plan; it has mdw, sdw1",
        hint: "add an agent of that name to agents:, or name its agent in producer.hosts",
      }),
    );
  });

  test("has a prefix where its names have it", () => {
    const more = "directory: /gp/backups\nprefix: foo\n";
    const lists = sampleLists("prefix_T_g");
    const plan = planOf({ set: "20261120112000", lists, more });
    expect(plan.streams[0]?.name).toBe("foo_gp_dump_0_2_20261120112000.gz");
    expect(plan.proof?.files[2]?.path).toBe(`${FOLDER}/foo_gp_dump_status_0_2_20261120112000`);
    expect(plan.tools[0]?.args).toContain("foo");
  });
});

describe("a listing", () => {
  test("that found another gpcrondump running has listed nothing, though it exited with 0", () => {
    const producer = producerOf();
    const output = { catalogue: CATALOGUE, listing: sample("dump/J/second_gpcrondump.txt") };
    expect(() => producer.planBackup(SET, { output, files: {} })).toThrow(
      expect.objectContaining({
        code: "locked",
        message: "gpcrondump on mdw: An instance of gpcrondump is already running (pid 1126)",
      }),
    );
  });

  test("without its lists is a failure", () => {
    const output = { catalogue: CATALOGUE };
    expect(() => producerOf().planBackup(SET, { output, files: {} })).toThrow(
      `gpcrondump on mdw has not written the list ${FOLDER}/gp_dump_${SET}_pipes`,
    );
    expect(() => producerOf().planBackup(SET, NO_EVIDENCE)).toThrow(
      "the catalogue on mdw names no coordinator or no segment",
    );
  });

  test("of 4.3 takes contents from the catalogue", () => {
    const { streams } = planOf({ lists: inOldNames(sampleLists("plain")) });
    expect(streams.map(({ name, contentId, dbid }) => [name, contentId, dbid])).toEqual([
      [`gp_dump_0_2_${SET}.gz`, 0, 2],
      [`gp_dump_0_3_${SET}.gz`, 1, 3],
      [`gp_dump_0_4_${SET}.gz`, 2, 4],
      [`gp_dump_1_1_${SET}.gz`, -1, 1],
      [`gp_dump_1_1_${SET}_post_data.gz`, -1, 1],
    ]);
  });

  test("of 4.3 after a failover names primaries that do not serve", () => {
    const catalogue = CATALOGUE.replace("0|2|", "0|6|").replace(
      `|${ASKED_AT_MS}|sdw1|/gp/data/p/gpseg0`,
      `|${ASKED_AT_MS}|sdw2|/gp/data/m/gpseg0`,
    );
    expect(() => planOf({ lists: inOldNames(sampleLists("plain")), catalogue })).toThrow(
      expect.objectContaining({
        code: "failed",
        message: `the pipe list of set ${SET} names segments that do not serve now: dbid 2 on sdw1; now serve: content 0 (dbid 6 on sdw2), content 1 (dbid 3 on sdw1), content 2 (dbid 4 on sdw2)`,
        hint: "gpcrondump 4.3 lists preferred primaries: give roles back with gprecoverseg -r first",
      }),
    );
  });

  test("that lacks the last segment is seen by the catalogue", () => {
    const { pipes, regularFiles } = sampleLists("plain");
    const lists = { pipes: pipes.replace(/^sdw2.*\n/m, ""), regularFiles };
    expect(() => planOf({ lists })).toThrow(
      `the pipe list of set ${SET} on mdw has no pipe for content 2 (dbid 4 on sdw2)`,
    );
  });

  test("is of no use if the catalogue answers in another form", () => {
    expect(() => planOf({ catalogue: "-1 1 mdw\n" })).toThrow(
      "the catalogue on mdw answers in no known form: -1 1 mdw",
    );
  });
});

describe("a plan from lists", () => {
  const listed = producerOf().planFromLists?.(sampleLists("gG_stats"));

  test("has the key of the lists, and starts nothing", () => {
    expect(listed?.set).toBe("20261120110100");
    expect(listed?.plan.tools).toEqual([]);
  });

  test("uses pipes that are there", () => {
    expect(listed?.plan.streams.map(({ mayExist }) => mayExist)).toEqual(
      Array.from({ length: 11 }, () => true),
    );
  });

  test("waits for what gpcrondump writes last", () => {
    expect(listed?.awaited.map(({ path }) => path.slice(FOLDER.length + 1))).toEqual([
      "gp_cdatabase_-1_1_20261120110100",
      "gp_dump_20261120110100_ao_state_file",
      "gp_dump_20261120110100_co_state_file",
      "gp_dump_20261120110100_last_operation",
      "gp_dump_20261120110100.rpt",
      "gp_dump_status_-1_1_20261120110100",
    ]);
  });
});
