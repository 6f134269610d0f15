import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { openGreenplum } from "./greenplum-stage.ts";

const stage = openGreenplum({ segments: ["sdw1", "sdw2"] });

test("four pipes on three hosts are one set, and an empty cluster gets it back", async () => {
  await stage.plan({ restore: ["-e"] });
  const { greenplum } = stage;
  const before = await greenplum.checksums("testdb");
  const { set, streams } = await stage.backup();
  const pipes = streams.filter(({ kind }) => kind === "fifo");
  expect(pipes.map(({ host, name }) => `${host}:${name}`).sort()).toEqual([
    `mdw:gp_dump_-1_1_${set}.gz`,
    `mdw:gp_dump_-1_1_${set}_post_data.gz`,
    `sdw1:gp_dump_0_2_${set}.gz`,
    `sdw2:gp_dump_1_3_${set}.gz`,
  ]);
  expect(pipes.every(({ path }) => !existsSync(path))).toBe(true);
  expect(pipes.map(({ codec }) => codec)).toEqual(["none", "none", "none", "none"]);

  expect(await stage.penstock("verify", set)).toMatchObject({ status: 0 });
  await stage.empty();
  await stage.result("restore", "nightly", "--set", set);
  expect(await greenplum.checksums("testdb")).toEqual(before);
  expect(await greenplum.processes(set)).toEqual([]);
});
