import { readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Manifest } from "@penstock/common";
import { beforeAll, expect, test } from "vitest";
import type { ClusterChecksums } from "../greenplum/cluster.ts";
import { expectNothingLeft } from "./expect-nothing-left.ts";
import { openGreenplum } from "./greenplum-stage.ts";
import { holdReader } from "./hold-reader.ts";

const stage = openGreenplum({ segments: ["sdw1", "sdw2"], rows: 60_000 });
let before: ClusterChecksums;
let manifest: Manifest;

beforeAll(async () => {
  await stage.plan({ options: ["-z"] });
  before = await stage.greenplum.checksums("testdb");
  manifest = await stage.backup();
});

/** Text below the folder of dumps, by the name of the file. */
function written(name: string): string {
  return join(stage.greenplum.dumpDirectory, "db_dumps", manifest.set.slice(0, 8), name);
}

/** What ends a restore whose reader of one segment's plain text has taken a part of it. */
const ENDS = [
  { what: "whose agent is killed", status: 1, error: /^error: .*\bsdw2\b/m },
  { what: "that is cancelled", status: 130, error: /^error: .*cancelled/m },
];

test.each(ENDS)(
  "a restore of plain text $what: no part of it is taken for the whole",
  async (end) => {
    const { cluster, greenplum, signal } = stage;
    const { set } = manifest;
    // With the usual lease: the tool fails before its end, and says more.
    await stage.plan({ options: ["-z"], restore: ["-e"] });
    await stage.empty();
    await using _held = await holdReader(greenplum, "gp_dump_1_3");
    await using command = await stage.startPenstock(
      "restore",
      "nightly",
      "--set",
      set,
      "-o",
      "json",
    );
    const flowing = /"stream":"gp_dump_1_3[^"]*".*"state":"flowing","bytes":[1-9]/;
    await command.stdout.waitFor(flowing, signal);
    const host = cluster.host("sdw2");
    if (end.status === 130) command.kill("SIGINT");
    else host.child.kill("SIGKILL");
    const outcome = await command.outcome;
    if (end.status !== 130) await host.start(signal);
    expect(outcome.stderr).toMatch(end.error);
    expect(outcome.status, outcome.stderr).toBe(end.status);
    if (end.status !== 130)
      expect(outcome.stderr).toMatch(/^hint: which .*gp_restore_\d+\.rpt on mdw/m);
    expect(outcome.stdout).not.toMatch(/"name":"gpdbrestore","exitCode":0/);
    await expectNothingLeft(stage, set);
    const now = await greenplum.checksums("testdb");
    expect(now["1"]?.["s2.t_random"]).toMatchObject({ rows: 0 }); // its last table
    const status = await readFile(written(`gp_restore_status_1_3_${set}`), "utf8").catch(() => "");
    expect(status).not.toContain("Finished successfully");
  },
);

/** Has something else in place of what is stored of segment 1, until this is disposed of. */
async function spoil(change: (bytes: Buffer) => Buffer): Promise<AsyncDisposable> {
  const receipt = manifest.streams.find(({ name }) => name.startsWith("gp_dump_1_3_"));
  const path = join(stage.cluster.store, receipt?.objects[0]?.key ?? "");
  const bytes = await readFile(path);
  await writeFile(path, change(Buffer.from(bytes)));
  return { [Symbol.asyncDispose]: () => writeFile(path, bytes) };
}

test("an object that is not all there at rest: nothing is dropped, and nothing restored", async () => {
  await stage.plan({ options: ["-z"], restore: ["-e"] });
  await stage.greenplum.createDatabase("testdb", { rows: 40 });
  const present = await stage.greenplum.checksums("testdb");
  await using _spoilt = await spoil((bytes) => bytes.subarray(0, -1));
  const outcome = await stage.penstock("restore", "nightly", "--set", manifest.set);
  expect(outcome.status, outcome.stderr).toBe(4);
  expect(outcome.stderr).toMatch(/^error: .*gp_dump_1_3_/m);
  expect(await stage.greenplum.checksums("testdb")).toEqual(present);
});

test.each([
  { how: "into nothing: no row of it is restored", restore: [] },
  { how: "with -e: nothing is dropped, and nothing restored", restore: ["-e"] },
])("an object whose byte has flipped at rest, restored $how", async ({ restore }) => {
  const { set } = manifest;
  await stage.plan({ options: ["-z"], restore });
  await stage.greenplum.createDatabase("testdb", { rows: 40 });
  if (restore.length === 0) await stage.greenplum.query(1, "testdb", "truncate t_ao, t_co, t_heap");
  const present = await stage.greenplum.checksums("testdb");
  await using _spoilt = await spoil((bytes) => {
    const middle = Math.floor(bytes.length / 2);
    bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
    return bytes;
  });
  const outcome = await stage.penstock("restore", "nightly", "--set", set);
  expect(outcome.status, outcome.stderr).toBe(4);
  expect(outcome.stderr).toMatch(/^error: .*gp_dump_1_3_.*sdw2/m);
  await expectNothingLeft(stage, set);
  const now = await stage.greenplum.checksums("testdb");
  expect(now["1"]).toEqual(present["1"]);
  if (restore.length > 0) expect(now).toEqual(present);
});

test("errors that gp_restore has found are warnings, with their lines and hosts", async () => {
  const { set } = manifest;
  await stage.plan({ options: ["-z"], restore: ["-e"] });
  await stage.result("restore", "nightly", "--set", set);
  expect(await stage.greenplum.checksums("testdb")).toEqual(before);

  await stage.plan({ options: ["-z"] });
  const twice = await stage.penstock("restore", "nightly", "--set", set);
  expect(twice, twice.stderr).toMatchObject({ status: 3 });
  for (const host of ["mdw", "sdw1", "sdw2"]) {
    expect(twice.stderr).toMatch(new RegExp(`^warning: ${host}: .*ERROR`, "m"));
  }
  expect(twice.stderr).toMatch(/^warning: report .*gp_restore_\d+\.rpt on mdw says: /m);
});

test("a tool that reads all and writes no report is not believed by the report of an earlier restore", async () => {
  const { set } = manifest;
  const old = new Date(Date.now() - 3_600_000);
  for (const name of [`gp_restore_${set}.rpt`, `gp_restore_status_1_3_${set}`]) {
    await utimes(written(name), old, old);
  }
  await stage.plan({ options: ["-z"], restore: ["-e"] });
  const { gpdbrestore } = stage.greenplum.tools;
  const real = await readFile(gpdbrestore);
  const pipes = `${written("gp_dump_*")}`;
  await writeFile(
    gpdbrestore,
    `#!/bin/sh\nfor pipe in ${pipes}\ndo [ -p "$pipe" ] && cat "$pipe" > /dev/null\ndone\nexit 0\n`,
  );
  const outcome = await stage.penstock("restore", "nightly", "--set", set);
  await writeFile(gpdbrestore, real);
  expect(outcome.status, outcome.stderr).toBe(1);
  expect(outcome.stderr).toMatch(/^error: .* on (mdw|sdw2) is of an earlier restore/m);
});
