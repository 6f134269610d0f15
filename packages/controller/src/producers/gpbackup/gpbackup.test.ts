import { type Manifest, parseYaml } from "@penstock/common";
import { describe, expect, test } from "vitest";
import { AS_PLANNED, fileKey, type RestoreOptions, type RunPlan } from "../producer.ts";
import { agentsOf } from "../producers.ts";
import { createGpbackupProducer } from "./gpbackup.ts";
import { type GpbackupConfig, gpbackupConfigSchema } from "./gpbackup-config.ts";

const ORIGIN = ["plans", "nightly", "producer"];
const BASE = "type: gpbackup\ncoordinator: mdw\ndatabase: testdb\n";
const TIMESTAMP = "20261120095538";
const FOLDER = `backups/20261120/${TIMESTAMP}`;

function parse(text: string): GpbackupConfig {
  return parseYaml(text, "p.yaml", gpbackupConfigSchema).value;
}

function producerOf(text: string): ReturnType<typeof createGpbackupProducer> {
  return createGpbackupProducer(parse(text), ORIGIN);
}

function planRestore(text: string, options: Partial<RestoreOptions> = {}): RunPlan {
  const name = `gpbackup_${TIMESTAMP}_config.yaml`;
  const manifest = { set: "20261120000000", streams: [{ name }] } as unknown as Manifest;
  return producerOf(text).planRestore(manifest, undefined, { ...AS_PLANNED, ...options });
}

describe("what is started", () => {
  test("gpbackup on the coordinator, with the plugin's configuration and the plan's options", () => {
    const plan = producerOf(`${BASE}options: ["--jobs", "4"]\nport: 5433\n`).planBackup("x");
    expect(plan).toMatchObject({ streams: [], files: [] });
    expect(plan.tools).toEqual([
      {
        ...{ id: "gpbackup", host: "mdw", tool: "gpbackup", streams: [], origin: ORIGIN },
        args: ["--dbname", "testdb", "--plugin-config", "PLUGIN_CONFIG", "--jobs", "4"],
        env: { PGPORT: "5433" },
        doubtfulStatuses: [1],
        stopGraceMs: 60_000,
      },
    ]);
  });

  test("its environment is that of greenplum_path.sh; what the plan says wins", () => {
    const text = `${BASE}home: /gp\ncoordinatorDataDirectory: /data/gpseg-1\nenv: {PATH: /mine}\n`;
    expect(producerOf(text).planBackup("x").tools[0]?.env).toEqual({
      ...{ GPHOME: "/gp", LD_LIBRARY_PATH: "/gp/lib", PATH: "/mine" },
      ...{ MASTER_DATA_DIRECTORY: "/data/gpseg-1", COORDINATOR_DATA_DIRECTORY: "/data/gpseg-1" },
    });
  });

  test("gprestore with the timestamp of the set, and no status but 0 is good", () => {
    const [tool] = planRestore(`${BASE}restore: ["--create-db"]\n`).tools;
    expect(tool).toMatchObject({ tool: "gprestore", host: "mdw" });
    expect(tool?.doubtfulStatuses).toBeUndefined();
    expect(tool?.args).toEqual([
      ...["--timestamp", TIMESTAMP, "--plugin-config", "PLUGIN_CONFIG", "--create-db"],
    ]);
  });

  test("what one restore wants becomes gprestore's options, on the host that stands in", () => {
    const wanted = { metadataOnly: true, tables: ["public.t"], extra: ["--jobs", "2"] };
    const [tool] = planRestore(BASE, { ...wanted, hosts: { mdw: "smdw" } }).tools;
    expect(tool?.host).toBe("smdw");
    expect(tool?.args.slice(4)).toEqual([
      ...["--metadata-only", "--include-table", "public.t", "--jobs", "2"],
    ]);
  });

  test.for<[Partial<RestoreOptions>, RegExp]>([
    [{ contentIds: [0] }, /single segments/],
    [{ extra: ["--timestamp=1"] }, /--timestamp cannot be given: it is that of the set/],
    [{ extra: ["--backup-dir", "/x"] }, /--backup-dir cannot be given/],
  ])("%j is refused", ([options, message]) => {
    expect(() => planRestore(BASE, options)).toThrow(message);
  });

  test("a set of another producer is refused", () => {
    const manifest = { set: "x", streams: [{ name: "app" }] } as unknown as Manifest;
    expect(() => producerOf(BASE).planRestore(manifest)).toThrow(/set x is none of gpbackup's/);
  });
});

describe("the configuration", () => {
  test("a plan uses all agents, or those that it names, and its coordinator's once", () => {
    const all = ["mdw", "sdw1", "sdw2"];
    const names = (text: string): string[] => agentsOf(parse(text), all).map(({ name }) => name);
    expect(names(BASE)).toEqual(all);
    expect(names(`${BASE}hosts: [sdw2, mdw]\n`)).toEqual(["mdw", "sdw2"]);
  });

  test.for([
    ["options: [--dbname=x]", /p.yaml:4: .*--dbname cannot be given: it is taken from the plan/],
    ["options: [--plugin-config, x]", /--plugin-config cannot be given: it is generated/],
    ["options: [--backup-dir, /x]", /--backup-dir cannot be given: with it nothing goes through/],
    ["restore: [--timestamp, '1']", /--timestamp cannot be given: it is that of the set/],
    ["env: {'a b': x}", /bad name of a variable/],
  ] as const)("%s is refused at its place", ([line, message]) => {
    expect(() => parse(`${BASE}${line}\n`)).toThrow(message);
  });
});

describe("a plugin's stream", () => {
  test("is named by its key, and says which segment's it is", () => {
    const path = `/data/gpseg0/${FOLDER}/gpbackup_0_${TIMESTAMP}_16385.gz`;
    expect(producerOf(BASE).planBackup("x").plugin?.toStream({ host: "sdw1", path })).toEqual({
      ...{ name: `gpbackup_0_${TIMESTAMP}_16385.gz`, host: "sdw1", kind: "plugin", path },
      ...{ contentId: 0, required: true, codec: "none", format: "gzip", origin: ORIGIN },
    });
  });

  test("is compressed as the plan says unless gpbackup has done so", () => {
    const codecOf = (file: string): string | undefined =>
      producerOf(BASE)
        .planBackup("x")
        .plugin?.toStream({ host: "sdw1", path: `/d/${FOLDER}/${file}` }).codec;
    expect(codecOf(`gpbackup_0_${TIMESTAMP}`)).toBeUndefined();
    expect(codecOf(`gpbackup_${TIMESTAMP}_metadata.sql`)).toBeUndefined();
    expect(codecOf(`gpbackup_0_${TIMESTAMP}.zst`)).toBe("none");
  });

  test("must be whole; only the single file of a segment may be nothing at all, and only as zstd", () => {
    const formatOf = (file: string): string | undefined =>
      producerOf(BASE)
        .planBackup("x")
        .plugin?.toStream({ host: "sdw1", path: `/d/${FOLDER}/${file}` }).format;
    expect(formatOf(`gpbackup_0_${TIMESTAMP}.gz`)).toBe("gzip");
    expect(formatOf(`gpbackup_0_${TIMESTAMP}_16385.zst`)).toBe("zstd");
    expect(formatOf(`gpbackup_0_${TIMESTAMP}.zst`)).toBe("zstd or nothing");
    expect(formatOf(`gpbackup_0_${TIMESTAMP}_16385`)).toBeUndefined();
  });
});

describe("what was handed over is a whole backup", () => {
  const COORDINATOR = ["metadata.sql", "toc.yaml", "config.yaml", "report"].map(
    (what) => `gpbackup_${TIMESTAMP}_${what}`,
  );
  const MULTI = [0, 1].flatMap((id) => [`${id}_${TIMESTAMP}_5.gz`, `${id}_${TIMESTAMP}_7.gz`]);
  const SINGLE = [0, 1].flatMap((id) => [`${id}_${TIMESTAMP}.gz`, `${id}_${TIMESTAMP}_toc.yaml`]);

  /** Throws unless it is; returns what it warns of. */
  function judge(
    files: readonly string[],
    settings = "",
    counted = "segmentcount: 2\n",
  ): readonly string[] | undefined {
    const found = files.map((file) => ({ host: "mdw", path: `/data/${FOLDER}/${file}` }));
    const config = found.find(({ path }) => path.endsWith("config.yaml"));
    const text = `${counted}timestamp: "${TIMESTAMP}"\nstatus: Success\n${settings}`;
    const texts = config && { [fileKey(config)]: { text, modifiedMs: 0 } };
    const { proof } = producerOf(BASE).planBackup("x");
    return proof?.judge({ output: {}, files: texts ?? {} }, found);
  }
  const data = (names: readonly string[]): string[] => names.map((name) => `gpbackup_${name}`);

  test("of many tables, of one file a segment, of no data at all", () => {
    expect(judge([...COORDINATOR, ...data(MULTI)])).toEqual([]);
    expect(judge([...COORDINATOR, ...data(SINGLE)], "singledatafile: true\n")).toEqual([]);
    expect(judge(COORDINATOR, "metadataonly: true\n")).toEqual([]);
  });

  test("of a gpbackup that does not count its segments with a warning", () => {
    const warnings = judge([...COORDINATOR, ...data(MULTI)], "", "");
    expect(warnings).toEqual([expect.stringContaining("does not say how many segments")]);
  });

  test("its helpers are known by their pipes", () => {
    const { plugin } = producerOf(BASE).planBackup("x");
    const sign = `gpbackup_${TIMESTAMP}_config.yaml`;
    expect(plugin?.strayOf(sign)).toBe(`_${TIMESTAMP}_pipe_`);
    expect(plugin?.nameOf(sign)).toBe(TIMESTAMP);
  });

  test.for<[string, string[], string, RegExp]>([
    ["nothing came", [], "", /without handing over anything/],
    [
      "no config.yaml",
      COORDINATOR.slice(0, 2),
      "",
      /without handing over gpbackup_\d+_config.yaml/,
    ],
    ["no report", COORDINATOR.slice(0, 3), "", /has not handed over gpbackup_\d+_report/],
    [
      "a table of one segment is missing",
      [...COORDINATOR, ...data(MULTI.slice(0, 3))],
      "",
      /segment 1 on mdw has not handed over its data of table 7, which others have/,
    ],
    [
      "a segment is missing",
      [...COORDINATOR, ...data(MULTI.slice(0, 2))],
      "",
      /segment 1 has not handed over its data of table 5/,
    ],
    [
      "the only file of a segment is missing",
      [...COORDINATOR, ...data(SINGLE.filter((name) => name !== `1_${TIMESTAMP}.gz`))],
      "singledatafile: true\n",
      /segment 1 has not handed over its data$/,
    ],
    [
      "a segment's table of contents is missing",
      [...COORDINATOR, ...data(SINGLE.slice(0, 3))],
      "singledatafile: true\n",
      /segment 1 has not handed over gpbackup_1_\d+_toc.yaml/,
    ],
  ])("not if %s", ([_what, files, settings, message]) => {
    expect(() => judge(files, settings)).toThrow(message);
  });

  test.for([
    ["status: Failure", /gpbackup on mdw says of backup 20261120095538: status Failure/],
    ["status: In Progress", /status In Progress/],
    ['status: ""', /status unknown/],
  ] as const)("not if gpbackup says %s", ([status, message]) => {
    const path = `/data/${FOLDER}/gpbackup_${TIMESTAMP}_config.yaml`;
    const file = { host: "mdw", path };
    const text = `timestamp: "${TIMESTAMP}"\n${status}\n`;
    const { proof } = producerOf(BASE).planBackup("x");
    const files = { [fileKey(file)]: { text, modifiedMs: 0 } };
    expect(() => proof?.judge({ output: {}, files }, [file])).toThrow(message);
  });
});
