import { expect, test } from "vitest";
import { GpbackupCluster } from "../gpbackup/cluster.ts";
import { openGpbackup } from "./gpbackup-stage.ts";

const TABLES = 200;
const SEGMENTS = 4;

const stage = openGpbackup({ testdb: { tables: TABLES }, small: { tables: 10 } });

test("200 tables on 4 segments: one set, which is restored equal", async () => {
  await stage.plan({ producer: { options: ["--jobs", "3"], restore: ["--jobs", "3"] } });
  const { set, streams } = await stage.backup();
  const data = streams.filter(({ contentId }) => contentId !== undefined);
  expect(data).toHaveLength(TABLES * SEGMENTS);
  expect(new Set(data.map(({ host, contentId }) => `${host} ${contentId}`))).toEqual(
    new Set(["sdw1 0", "sdw1 1", "sdw2 2", "sdw2 3"]),
  );
  expect(data.every(({ kind, codec }) => kind === "plugin" && codec === "none")).toBe(true);
  expect((await stage.penstock("verify", set)).stdout).toContain(`${streams.length} streams`);
  await stage.expectEqual(await stage.restore(set), "testdb");
  await stage.untilNothingLeft();
});

test("200 tables in one file a segment: one set, which is restored equal", async () => {
  await stage.plan({ producer: { options: ["--single-data-file", "--copy-queue-size", "4"] } });
  const { set, streams } = await stage.backup();
  const names = streams.map(({ name }) => name.replaceAll(/\d{14}/g, "T")).sort();
  expect(names).toEqual([
    ...[0, 1, 2, 3].flatMap((id) => [`gpbackup_${id}_T.gz`, `gpbackup_${id}_T_toc.yaml`]),
    ...["config.yaml", "metadata.sql", "plugin_config.yaml", "report", "toc.yaml"].map(
      (what) => `gpbackup_T_${what}`,
    ),
  ]);
  await stage.result("verify", set);
  await stage.expectEqual(await stage.restore(set), "testdb");
  await stage.untilNothingLeft();
});

test.for([[["--jobs", "2"]], [["--single-data-file", "--no-compression"]]] as const)(
  "gpbackup by hand with %j makes a set that gprestore by hand restores equal",
  async ([flags]) => {
    await stage.plan();
    const backup = await stage.gpbackup("small", ...flags);
    expect(backup, backup.stdout).toMatchObject({ status: 0 });
    // It was committed before gpbackup had ended.
    const [newest] = await stage.sets();
    expect(newest).toMatchObject({ status: "committed" });
    await stage.result("verify", newest?.set ?? "");
    const timestamp = GpbackupCluster.timestampOf(backup);
    const { outcome, database: copy } = await stage.gprestore(timestamp);
    expect(outcome, outcome.stdout).toMatchObject({ status: 0 });
    await stage.expectEqual(copy, "small");
    await stage.untilNothingLeft();
  },
);
