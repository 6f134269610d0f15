import { randomBytes } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { untilFound } from "../harness/until.ts";
import { openGpbackup } from "./gpbackup-stage.ts";

/** Slow enough that whoever looks sees it go on. */
const SLOWLY = { throttle: { stream: "50KiB/s" }, compression: "none" };

/** gpbackup ends because of it, and its exit may come first. */
const WHY =
  /stream gpbackup_\d_\d{14} of sdw[12]: plugin process \d+ ended after|gpbackup on mdw exited with status 2/;

const stage = openGpbackup({ testdb: { tables: 8, rows: 40_000 } });

afterEach(async () => {
  await stage.untilNothingLeft();
});

/** The plugin process that hands over the only file of a segment, once bytes of it are flowing. */
async function flowingPlugin(): Promise<number> {
  return await stage.untilProcess("main.ts backup_data", `/${await stage.untilFlowing()}`);
}

const isCommitted = async (): Promise<boolean> =>
  (await stage.sets()).some(({ status }) => status === "committed");

test("a plugin process that is killed half way fails the backup, and commits nothing", async () => {
  await stage.plan({
    producer: { options: ["--single-data-file", "--no-compression"] },
    plan: SLOWLY,
  });
  await using backup = await stage.startPenstock("backup", "nightly");
  process.kill(await flowingPlugin(), "SIGKILL");
  const { status, stderr } = await backup.outcome;
  expect(stderr).toMatch(WHY);
  expect(status).toBe(1);
  expect((await stage.failure()).error).toMatch(WHY);
  expect(await isCommitted()).toBe(false);
});

test("the same of a gpbackup by hand: it hears why, and commits nothing", async () => {
  await stage.plan({ plan: SLOWLY });
  await using backup = await stage.startGpbackup(
    "testdb",
    "--single-data-file",
    "--no-compression",
  );
  process.kill(await flowingPlugin(), "SIGKILL");
  const { status } = await backup.outcome;
  expect(status).toBe(2);
  await stage.untilNothingLeft();
  // What gpbackup itself says at its end may be heard first.
  expect((await stage.failure()).error).toMatch(
    /plugin process \d+ ended after|gpbackup on mdw says of backup \d{14}: status Failure/,
  );
});

const GONE = "gpbackup on mdw \\(process \\d+\\) has gone before it had handed over all";
/** Its helpers end before it does; a plugin process then sees an end, or first that nobody waits for it. */
const CUT_OFF =
  "middle of its gzip data|plugin process \\d+( ended after|: the process that has started)";

test.for([
  ["SIGKILL", GONE],
  ["SIGINT", `${GONE}|${CUT_OFF}`],
] as const)("a gpbackup by hand that ends by %s fails its set soon", async ([signal, why]) => {
  await stage.plan({ plan: SLOWLY });
  await using backup = await stage.startGpbackup("testdb", "--single-data-file");
  await stage.untilFlowing();
  backup.kill(signal);
  await backup.exited;
  await stage.untilNothingLeft();
  expect((await stage.failure()).error).toMatch(new RegExp(why));
});

test("a gpbackup that says status: Failure leaves a failed set with what it had handed over", async () => {
  await stage.plan();
  await stage.greenplum.query("testdb", "alter table public.t_ao rename to t_gone");
  try {
    const backup = await stage.gpbackup("testdb");
    expect(backup.status).toBe(2);
    await stage.untilNothingLeft();
    const { error, streams } = await stage.failure();
    expect(error).toMatch(/gpbackup on mdw says of backup \d{14}: status Failure/);
    expect(streams.map(({ name }) => name)).toContainEqual(expect.stringMatching(/_report$/));
    await stage.plan();
    const outcome = await stage.penstock("backup", "nightly");
    expect(outcome.status).toBe(1);
    expect(outcome.stderr).toMatch(/error: gpbackup on mdw exited with status 2/);
  } finally {
    await stage.greenplum.query("testdb", "alter table public.t_gone rename to t_ao");
  }
});

test("nothing damaged is restored: gprestore by hand and by the plan fail", async () => {
  await stage.plan({ producer: { options: ["--no-compression"] }, plan: { compression: "none" } });
  const { set, streams } = await stage.backup();
  const biggest = streams.toSorted((a, b) => b.bytesStored - a.bytesStored)[0];
  const path = join(stage.cluster.store, biggest?.objects[0]?.key ?? "");
  const bytes = await readFile(path);
  await rm(path);
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 10) ^ 1, bytes.length - 10);
  await writeFile(path, bytes);
  const outcome = await stage.penstock(
    "restore",
    "nightly",
    "--set",
    set,
    "--",
    "--create-db",
    "--redirect-db",
    `d${randomBytes(4).toString("hex")}`,
  );
  expect(outcome.stderr).toContain("are not what was stored (CRC-32)");
  expect(outcome.status).toBe(4);
  await stage.untilNothingLeft();
  const timestamp = /_(\d{14})/.exec(biggest?.name ?? "")?.[1] ?? "";
  const { outcome: byHand } = await stage.gprestore(timestamp);
  expect(byHand.status).not.toBe(0);
});

test("a run of gpbackup cannot be taken up when its controller was killed", async () => {
  await stage.plan({ plan: { ...SLOWLY, lease: "5s" } });
  await using backup = await stage.startPenstock("backup", "nightly");
  await stage.untilFlowing();
  backup.kill("SIGKILL");
  await backup.exited;
  const [{ set } = { set: "" }] = await stage.sets();
  const resumed = await stage.penstock("backup", "--resume", set);
  expect(resumed.stderr).toMatch(/cannot be resumed: its gpbackup has ended with its controller/);
  expect(resumed.status).toBe(2);
  await stage.untilNothingLeft();
  expect((await stage.failure()).error).toMatch(/controller was killed/);
});

test("a gpbackup by hand that does nothing any more is not waited for for ever", async () => {
  await stage.plan({ plan: { stall_timeout: "5s" } });
  const before = new Set((await stage.sets()).map(({ set }) => set));
  await using held = await stage.holdGpbackup("testdb");
  await using backup = await stage.startGpbackup("testdb");
  const isOver = async (): Promise<true | undefined> =>
    (await stage.sets()).some(({ set, status }) => !before.has(set) && status === "failed") ||
    undefined;
  await untilFound(isOver, "the end of the set", stage.signal);
  expect((await stage.failure()).error).toMatch(/^gpbackup on mdw has not ended for 5s$/);
  await held.release();
  expect((await backup.outcome).status).toBe(2);
});
