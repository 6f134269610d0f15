import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { GpbackupCluster } from "../gpbackup/cluster.ts";
import { type Outcome, run } from "../harness/child.ts";
import { untilFound } from "../harness/until.ts";
import { openGpbackup } from "./gpbackup-stage.ts";

const stage = openGpbackup({ testdb: { tables: 9 } });

afterEach(async () => {
  await stage.untilNothingLeft();
});

test("an incremental backup and its restore find what earlier sets have", async () => {
  await stage.plan();
  const leaf = "--leaf-partition-data";
  const full = await stage.gpbackup("testdb", leaf);
  expect(full, full.stdout).toMatchObject({ status: 0 });
  await stage.greenplum.query("testdb", "insert into public.t_heap (id) values (-7)");
  await stage.plan({ producer: { options: [leaf, "--incremental"] } });
  const { set, streams } = await stage.backup();
  const before = GpbackupCluster.timestampOf(full);
  expect(streams.every(({ name }) => !name.includes(before))).toBe(true);
  await stage.expectEqual(await stage.restore(set), "testdb");
  // Without the other one nothing is dropped or made.
  await stage.result("gpbackup", "delete", "nightly", "--timestamp", before);
  const options = ["--set", set, "--", "--create-db", "--redirect-db", "never"];
  const outcome = await stage.penstock("restore", "nightly", ...options);
  expect(outcome).toMatchObject({ status: 1, stdout: "" });
  expect(outcome.stderr).toContain(
    `no committed set of cluster warehouse has gpbackup_${before}_config.yaml`,
  );
  await expect(stage.greenplum.checksums("never")).rejects.toThrow(/does not exist/);
});

test("single tables of an uncompressed file are read by their ranges", async () => {
  await stage.plan({
    producer: { options: ["--single-data-file", "--no-compression"] },
    plan: { compression: "none" },
  });
  const { set, streams } = await stage.backup();
  const tables = ["--include-table", "public.t_heap", "--include-table", "public.t_ao"];
  const { database, reports } = await stage.restoreTold(set, ...tables);
  for (const { name, bytesStored } of streams.filter((stream) => /_\d{14}$/.test(stream.name))) {
    const [told] = reports.filter(
      ({ stream, state }) => stream?.endsWith(name) && state === "done",
    );
    expect(told?.bytes).toBeGreaterThan(0);
    expect(told?.bytes).toBeLessThan(bytesStored);
  }
  const [copy, whole] = await Promise.all(
    [database, "testdb"].map((name) => stage.greenplum.checksums(name)),
  );
  for (const [content, tables] of Object.entries(copy ?? {})) {
    for (const name of ["public.t_heap", "public.t_ao"]) {
      expect(tables[name], name).toEqual(whole?.[content]?.[name]);
    }
  }
});

test("gpbackup gets what it wants of an earlier set while its own is being made", async () => {
  await stage.plan({ producer: { options: ["--include-table", "public.t_heap"] } });
  const { set, streams } = await stage.backup();
  const { name, path } = streams.find((stream) => stream.name.endsWith("_toc.yaml")) ?? {};
  const whole = (await stage.penstock("cat", set, name ?? "")).stdout;
  await stage.plan();
  await using held = await stage.holdGpbackup("testdb");
  await using backup = await stage.startPenstock("backup", "nightly");
  const folder = join(stage.dir, path?.split("/").slice(-4, -1).join("/") ?? "");
  await mkdir(folder, { recursive: true });
  const config = await stage.handWritten();
  const env = { ...process.env, PENSTOCK_PLUGIN_SOCKET: stage.socketOf("mdw") };
  const fetch = (file: string): Promise<Outcome> =>
    run(stage.plugin, ["restore_file", config, join(folder, file)], { env }, stage.signal);
  const fetched = await untilFound(
    async () => [await fetch(name ?? "")].find(({ status }) => status === 0),
    "the run",
    stage.signal,
  );
  expect(fetched).toMatchObject({ status: 0, stderr: "" });
  expect(await readFile(join(folder, name ?? ""), "utf8")).toBe(whole);
  const missing = await fetch((name ?? "").replace("toc.yaml", "none.yaml"));
  expect(missing.status).toBe(1);
  expect(missing.stderr).toContain(`set ${set} has no stream`);
  await held.release();
  expect(await backup.outcome).toMatchObject({ status: 0 });
});

test("delete_backup removes the set of its timestamp and no other", async () => {
  await stage.plan();
  const backUp = (): Promise<Outcome> => stage.gpbackup("testdb", "--include-table", "public.t_ao");
  const one = GpbackupCluster.timestampOf(await backUp());
  const other = GpbackupCluster.timestampOf(await backUp());
  const before = (await stage.sets()).map(({ set }) => set);
  const config = await stage.handWritten();
  const remove = () => run(stage.plugin, ["delete_backup", config, one], {}, stage.signal);
  expect(await remove()).toMatchObject({ status: 0, stderr: "" });
  const after = (await stage.sets()).map(({ set }) => set);
  expect(before.length - after.length).toBe(1);
  const folders = await readdir(join(stage.cluster.store, "warehouse"));
  expect(folders.sort().reverse()).toEqual(after);
  expect(await remove()).toMatchObject({ status: 1, stderr: expect.stringContaining(one) });
  const { outcome } = await stage.gprestore(one);
  expect(outcome.status).toBe(2);
  expect(outcome.stdout + outcome.stderr).toContain(`gpbackup_${one}_config.yaml`);
  expect((await stage.gprestore(other)).outcome).toMatchObject({ status: 0 });
});

test("a timestamp that is none, and a plan of another producer, are refused", async () => {
  await stage.plan();
  const words = ["gpbackup", "delete", "nightly", "--timestamp", "yesterday"];
  const outcome = await stage.penstock(...words);
  expect(outcome).toMatchObject({
    status: 2,
    stderr: expect.stringContaining("allowed: 14 digits"),
  });
});
