import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import type { Manifest } from "@penstock/common";
import { expect, test } from "vitest";
import { expectNothingLeft } from "./expect-nothing-left.ts";
import { openGreenplum, resultOf } from "./greenplum-stage.ts";

const stage = openGreenplum({ segments: ["sdw1", "sdw1", "sdw2"] });
const END = "--\n-- Greenplum Database database dump complete\n--\n\n";

/** What is stored of a stream. */
async function storedOf({ set, streams }: Manifest, name: string) {
  const receipt = streams.find((stream) => stream.name.startsWith(name));
  const [object] = receipt?.objects ?? [];
  if (receipt === undefined || object === undefined) throw new Error(`no ${name} is in ${set}`);
  const bytes = await readFile(join(stage.cluster.store, object.key));
  return { receipt, object, bytes };
}

/** Brings a set back into an empty cluster; all of it must be as it was. */
async function expectRoundTrip(
  options: readonly string[],
  restore: readonly string[],
): Promise<Manifest> {
  const { greenplum } = stage;
  await stage.plan({ options, restore: ["-e", ...restore] });
  const before = await greenplum.checksums("testdb");
  const manifest = await stage.backup();
  await stage.empty();
  const result = await stage.result("restore", "nightly", "--set", manifest.set);
  expect(result).toMatchObject({ status: "restored", warnings: [] });
  expect(await greenplum.checksums("testdb")).toEqual(before);
  await expectNothingLeft(stage, manifest.set);
  return manifest;
}

test("with globals, configuration files and statistics, of which each row is a stream of its own to its reader", async () => {
  const { greenplum, signal } = stage;
  const all = ["-g", "-G", "--dump-stats"];
  const manifest = await expectRoundTrip(all, ["-G", "--restore-stats"]);
  const { set } = manifest;
  const own = join(greenplum.dumpDirectory, "../own");
  const args = ["-a", "-b", "-x", "testdb", "-K", "20200101000000", "-u", own, "--dump-stats"];
  expect(await greenplum.run("gpcrondump", args, signal)).toMatchObject({ status: 0 });
  const name = "gp_statistics_-1_1";
  const direct = await readFile(join(own, `db_dumps/20200101/${name}_20200101000000`), "utf8");
  const { stdout } = await stage.penstock("cat", set, `${name}_${set}`);
  const rows = (text: string): string[] =>
    text.match(/^-- Schema: (?!public, Table: gpcrondump_history).*$/gm) ?? [];
  expect(rows(stdout).length).toBeGreaterThan(20);
  expect(rows(stdout)).toEqual(rows(direct));
  expect(stdout.endsWith(";\n\n")).toBe(true);
  const tar = manifest.streams.find(
    (stream) => stream.name === `gp_master_config_files_${set}.tar`,
  );
  expect(tar).toMatchObject({ host: "mdw", kind: "fifo" });
});

test("what is gzip already is stored as it comes; what is plain is stored as zstd", async () => {
  await stage.plan({});
  const zipped = await storedOf(await stage.backup(), "gp_dump_0_2_");
  expect(zipped.object.key).toMatch(/\/gp_dump_0_2_\d+\.gz$/);
  expect(zipped.receipt).toMatchObject({
    codec: "none",
    bytesRaw: zipped.bytes.length,
    host: "sdw1",
  });
  expect(zipped.receipt.sha256Raw).toBe(zipped.receipt.sha256Stored);
  expect(gunzipSync(zipped.bytes).toString().endsWith(END)).toBe(true);

  const manifest = await expectRoundTrip(["-z"], []);
  const plain = await storedOf(manifest, "gp_dump_0_2_");
  expect(plain.object.key).toMatch(/\/gp_dump_0_2_\d+\.zst$/);
  expect(plain.receipt.codec).toBe("zstd");
  const text = zstdDecompressSync(plain.bytes).toString();
  expect(text.endsWith(END)).toBe(true);
});

test("a set of 4.3 with its own names", async () => {
  await stage.greenplum.configure({ naming: "4.3" });
  const manifest = await expectRoundTrip(["-g", "-G"], ["-G"]);
  const names = manifest.streams.map(({ name }) => name);
  for (const name of ["gp_dump_0_2_", "gp_dump_0_4_", "gp_dump_1_1_", "gp_global_1_1_"]) {
    expect(names).toContainEqual(expect.stringContaining(name));
  }
  const sdw2 = manifest.streams.find(({ name }) => name.startsWith("gp_dump_0_4_"));
  expect(sdw2).toMatchObject({ host: "sdw2", contentId: 2, dbid: 4 });
  await stage.greenplum.configure({ naming: "5" });
});

/** Leaves a segment without rows. */
const TRUNCATE_ALL = `do $$ declare t text; begin
  for t in select format('%I.%I', schemaname, tablename) from pg_tables
    where schemaname in ('public', 's2')
  loop execute 'truncate ' || t; end loop; end $$`;

test("the data of one segment alone", async () => {
  await stage.plan({});
  const { greenplum } = stage;
  const before = await greenplum.checksums("testdb");
  const { set } = await stage.backup();
  await greenplum.query(2, "testdb", TRUNCATE_ALL);
  expect(await greenplum.checksums("testdb")).not.toEqual(before);
  await stage.result("restore", "nightly", "--set", set, "--content-ids", "2");
  expect(await greenplum.checksums("testdb")).toEqual(before);
  await expectNothingLeft(stage, set);
});

test("into another database", async () => {
  await stage.plan({});
  const { greenplum } = stage;
  const before = await greenplum.checksums("testdb");
  const { set } = await stage.backup();
  const restore = ["restore", "nightly", "--set", set];
  const outcome = await stage.penstock(...restore, "-o", "json", "--", "-e", "--redirect", "other");
  expect(outcome, outcome.stderr + outcome.stdout).toMatchObject({ status: 0 });
  expect(resultOf(outcome)).toMatchObject({ status: "restored" });
  expect(await greenplum.checksums("other")).toEqual(before);
});
