import { randomBytes } from "node:crypto";
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { status as Status } from "@grpc/grpc-js";
import {
  Codec,
  Direction,
  type PluginRequest,
  type PluginSession,
  PrepareRequest,
  type RunEvent,
  type RunRef,
  StreamKind,
  type StreamSpec,
} from "@penstock/proto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { installProgram } from "../harness/programs.ts";
import { PluginProcess } from "./plugin-process.ts";
import { createMaterial, RawAgent, toSpec } from "./raw-agent.ts";
import { giveStream, Taking, takeStream } from "./raw-mover.ts";
import { openStage } from "./stage.ts";

const stage = openStage({ hosts: ["sdw1"] });
const MIB = 2 ** 20;
const TIMESTAMP = "20261120095538";
const FOLDER = `/data/gpseg0/backups/20261120/${TIMESTAMP}`;
const PLAN = "warehouse";
/** For what has to be looked at again and again, on a busy machine. */
const PATIENT = { timeout: 60_000 };
let agent: RawAgent;
let ref: RunRef;
let events: AsyncIterator<RunEvent>;
let plugin: string;
let config: string;
let socket: string;

beforeAll(async () => {
  const { cluster, dir } = stage;
  agent = new RawAgent(cluster.host("sdw1"), await createMaterial(join(dir, "pki"), "controller"));
  plugin = await installProgram("gpbackup_penstock_plugin", dir);
  socket = (await agent.call("describe", { protocol: { min: 1, max: 1 } })).pluginSocket;
  config = join(dir, `${TIMESTAMP}_plugin.yaml`);
  // As gpbackup rewrites it for each host.
  const options = { backup_plugin_version: '""', pgport: '"16001"', plan: PLAN, socket };
  const lines = Object.entries(options).map(([key, value]) => `  ${key}: ${value}\n`);
  await writeFile(config, `executablepath: ${plugin}\noptions:\n${lines.join("")}`);
});
afterAll(() => agent[Symbol.dispose]());
beforeEach(async () => {
  ref = await agent.beginRun(PLAN);
  await prepare([], { writeConfig: false });
  events = agent.watch(ref);
});
afterEach(async () => {
  await agent.call("releaseRun", { ref });
  expect(await stage.cluster.leftOvers()).toEqual([]);
});

/** Segment 0's data of a table, as gpbackup names it. */
const keyOf = (file: string): string =>
  `${stage.dataOf("sdw1")}/gpseg0/backups/20261120/${TIMESTAMP}/${file}`;

const start = (...words: string[]): PluginProcess =>
  new PluginProcess([plugin, ...words].join(" "), {
    PATH: process.env["PATH"],
    // What a segment's own environment would do to a program that is not Greenplum's.
    NODE_OPTIONS: "--no-such-option",
    NODE_EXTRA_CA_CERTS: "/nowhere.pem",
    LD_LIBRARY_PATH: "/gp/gpdb/lib",
    PYTHONHOME: "/gp/gpdb/ext/python",
  });

const prepare = (
  streams: StreamSpec[],
  session?: Partial<PluginSession>,
): Promise<{ pluginConfig: string }> =>
  agent.call("prepare", PrepareRequest.fromPartial({ ref, streams, plugin: session }));

const specFor = (name: string, id: bigint, changes: Partial<StreamSpec> = {}): StreamSpec =>
  toSpec(name, "", { kind: StreamKind.STREAM_KIND_PLUGIN, pluginRequest: id, ...changes });

const restoreSpec = (name: string, id: bigint): StreamSpec =>
  specFor(name, id, { direction: Direction.DIRECTION_RESTORE });

/** The next event of a kind. */
async function event<Kind extends NonNullable<RunEvent["event"]>["$case"]>(
  kind: Kind,
): Promise<Extract<NonNullable<RunEvent["event"]>, { $case: Kind }>["value"]> {
  for (;;) {
    const { done, value } = await events.next();
    if (done === true) throw new Error(`the run has ended without ${kind}`);
    if (value.event?.$case === kind) return value.event.value as never;
  }
}

const request = (): Promise<PluginRequest> => event("pluginRequest");

describe("a backup", () => {
  test("hands over the standard input, and ends well when every byte is durable", async () => {
    const bytes = randomBytes(3 * MIB + 1);
    await using process = start("backup_data", config, keyOf("gpbackup_0_1.gz"));
    process.stdin.end(bytes);
    const { id, key, direction } = await request();
    expect({ key, direction }).toEqual({
      key: keyOf("gpbackup_0_1.gz"),
      direction: Direction.DIRECTION_BACKUP,
    });
    await prepare([specFor("data", id)]);
    const taking = Taking.begin(agent, ref, "data");
    await taking.toEnd();
    // It has all been read, yet nobody has said that it is safe.
    expect(process.isRunning).toBe(true);
    expect((await taking.finish()).equals(bytes)).toBe(true);
    expect(await process.end).toEqual({
      ...{ status: 0, signal: null, stdout: Buffer.alloc(0), stderr: "" },
    });
  });

  test("of no bytes is whole, too", async () => {
    await using process = start("backup_data", config, keyOf("gpbackup_0_2"));
    process.stdin.end();
    await prepare([specFor("data", (await request()).id, { codec: Codec.CODEC_ZSTD })]);
    await takeStream(agent, ref, "data");
    expect(await process.end).toMatchObject({ status: 0 });
  });

  test("hands over a file, which stays", async () => {
    const path = join(stage.dataOf("sdw1"), "gpbackup_toc.yaml");
    const bytes = randomBytes(MIB);
    await writeFile(path, bytes, { mode: 0o444 });
    await using process = start("backup_file", config, path);
    await prepare([specFor("toc", (await request()).id)]);
    expect((await takeStream(agent, ref, "toc")).equals(bytes)).toBe(true);
    expect(await process.end).toMatchObject({ status: 0, stderr: "" });
    expect((await readFile(path)).equals(bytes)).toBe(true);
  });

  test("waits for the controller's word if the stream is to be answered later", async () => {
    await using process = start("backup_data", config, keyOf("gpbackup_report"));
    process.stdin.end("rows");
    const { id } = await request();
    await prepare([specFor("report", id, { answerLater: true })]);
    await takeStream(agent, ref, "report");
    expect(process.isRunning).toBe(true);
    await agent.call("answerPlugin", { ref, id, error: "" });
    expect(await process.end).toMatchObject({ status: 0 });
  });

  test("is not good before it is durable, whoever says so", async () => {
    await using process = start("backup_data", config, keyOf("gpbackup_report"));
    process.stdin.end("rows");
    const { id } = await request();
    await prepare([specFor("report", id, { answerLater: true })]);
    const taking = Taking.begin(agent, ref, "report");
    await taking.toEnd();
    const answered = agent.call("answerPlugin", { ref, id, error: "" });
    await agent.call("renewLease", { ref });
    expect(process.isRunning).toBe(true);
    await taking.finish();
    await answered;
    expect(await process.end).toMatchObject({ status: 0 });
  });

  test("that is to be answered later is good when the run is released", async () => {
    await using process = start("backup_data", config, keyOf("gpbackup_report"));
    process.stdin.end("rows");
    await prepare([specFor("report", (await request()).id, { answerLater: true })]);
    await takeStream(agent, ref, "report");
    await agent.call("releaseRun", { ref });
    expect(await process.end).toMatchObject({ status: 0 });
  });

  test("that is to be answered later has failed when the run is aborted", async () => {
    await using process = start("backup_data", config, keyOf("gpbackup_report"));
    process.stdin.end("rows");
    await prepare([specFor("report", (await request()).id, { answerLater: true })]);
    await takeStream(agent, ref, "report");
    await agent.call("abortRun", { ref, reason: "status: Failure" });
    expect(await process.end).toMatchObject({ status: 1, stderr: /status: Failure/ });
  });

  test("fails when its process is killed, however much it has sent", async () => {
    await using process = start("backup_data", config, keyOf("gpbackup_0_3"));
    process.stdin.write(randomBytes(MIB));
    await prepare([specFor("data", (await request()).id)]);
    await Taking.begin(agent, ref, "data").until(MIB);
    process.kill();
    expect(await event("streamFailed")).toMatchObject({
      name: "data",
      code: "failed",
      message: `plugin process ${process.pid} ended after ${MIB} bytes`,
    });
  });

  test("fails when its bytes are not what was promised of them", async () => {
    const whole = gzipSync(randomBytes(MIB));
    await using process = start("backup_data", config, keyOf("gpbackup_0_4.gz"));
    process.stdin.end(whole.subarray(0, whole.length - 1));
    await prepare([specFor("data", (await request()).id, { format: "gzip" })]);
    Taking.begin(agent, ref, "data");
    expect(await event("streamFailed")).toMatchObject({ code: "damaged" });
    expect(await process.end).toMatchObject({ status: 1, stderr: /gzip/ });
  });

  test("is held back by a mover that takes nothing", async () => {
    await using process = start("backup_data", config, keyOf("gpbackup_0_5"));
    let writtenBytes = 0;
    const piece = randomBytes(MIB);
    const write = (): void => {
      while (writtenBytes < 512 * MIB) {
        writtenBytes += MIB;
        if (!process.stdin.write(piece)) break;
      }
    };
    process.stdin.on("drain", write);
    write();
    const { id } = await request();
    await prepare([specFor("data", id)]);
    await expect.poll(() => writtenBytes, PATIENT).toBeGreaterThan(60 * MIB);
    // The replay buffer is full. As many turns as it takes to hand over much more than the pipes hold.
    for (let turns = 0; turns < 100; turns++) await agent.call("renewLease", { ref });
    expect(writtenBytes).toBeLessThan(100 * MIB);
  });

  test("fails at once when the controller says so", async () => {
    await using process = start("backup_data", config, keyOf("gpbackup_0_6"));
    process.stdin.write("rows");
    const { id } = await request();
    await agent.call("answerPlugin", { ref, id, error: "this table came twice" });
    expect(await process.end).toMatchObject({ status: 1, stderr: "this table came twice\n" });
    // To say it again is harmless.
    await agent.call("answerPlugin", { ref, id, error: "this table came twice" });
  });
});

describe("a restore", () => {
  test("writes what is given, and nothing else", async () => {
    const bytes = randomBytes(3 * MIB + 1);
    await using process = start("restore_data", config, keyOf("gpbackup_0_1.gz"));
    const { id, direction, ranges } = await request();
    expect({ direction, ranges }).toEqual({ direction: Direction.DIRECTION_RESTORE, ranges: [] });
    await prepare([restoreSpec("data", id)]);
    await giveStream(agent, ref, { name: "data", bytes });
    const { stdout, ...end } = await process.end;
    expect(end).toEqual({ status: 0, signal: null, stderr: "" });
    expect(stdout.equals(bytes)).toBe(true);
  });

  test("asks for ranges and gets just them", async () => {
    const offsets = join(stage.dataOf("sdw1"), "gprestore_offsets_1");
    await writeFile(offsets, "2 5 9 100 104");
    await using process = start("restore_data_subset", config, keyOf("gpbackup_0"), offsets);
    const { id, ranges } = await request();
    expect(ranges).toEqual([
      { start: 5n, end: 9n },
      { start: 100n, end: 104n },
    ]);
    await prepare([restoreSpec("data", id)]);
    await giveStream(agent, ref, { name: "data", bytes: Buffer.from("fivehund") });
    expect(await process.end).toMatchObject({ status: 0, stdout: Buffer.from("fivehund") });
  });

  test("fails when ranges do not come to what was asked for", async () => {
    const offsets = join(stage.dataOf("sdw1"), "gprestore_offsets_2");
    await writeFile(offsets, "1 5 9");
    await using process = start("restore_data_subset", config, keyOf("gpbackup_0"), offsets);
    await prepare([restoreSpec("data", (await request()).id)]);
    const given = { name: "data", bytes: Buffer.from("all of it") };
    await expect(giveStream(agent, ref, given)).rejects.toThrow("4 bytes were wanted, and 9");
    expect(await process.end).toMatchObject({ status: 1 });
  });

  test("breaks off before a byte that is not as it was sent", async () => {
    const bytes = randomBytes(MIB);
    await using process = start("restore_data", config, keyOf("gpbackup_0_7"));
    await prepare([restoreSpec("data", (await request()).id)]);
    const given = { name: "data", bytes, fault: { wrongFrom: MIB / 2 } };
    await expect(giveStream(agent, ref, given)).rejects.toMatchObject({ code: Status.DATA_LOSS });
    const { status, stderr, stdout } = await process.end;
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining("checksum") });
    const delivered = stdout.subarray(0, -1);
    expect(delivered.equals(bytes.subarray(0, delivered.length))).toBe(true);
    expect(delivered.length).toBeLessThanOrEqual(MIB / 2);
    expect(stdout.at(-1)).toBe(0);
  });

  test("fails if the whole is not what was promised", async () => {
    await using process = start("restore_data", config, keyOf("gpbackup_0_8"));
    await prepare([restoreSpec("data", (await request()).id)]);
    const fault = { promised: Buffer.from("rowz") };
    const given = { name: "data", bytes: Buffer.from("rows"), fault };
    await expect(giveStream(agent, ref, given)).rejects.toMatchObject({ code: Status.DATA_LOSS });
    const { status, stdout } = await process.end;
    expect({ status, isRefused: stdout.at(-1) === 0 }).toEqual({ status: 1, isRefused: true });
  });

  test.for(["SIGTERM", "SIGHUP", "SIGINT"] as const)(
    "that is told to end by %s has no clean end",
    async (signal) => {
      await using process = start("restore_data", config, keyOf("gpbackup_0_10"));
      await prepare([restoreSpec("data", (await request()).id)]);
      process.signal(signal);
      expect(await process.end).toMatchObject({ status: 1, stdout: Buffer.of(0) });
    },
  );

  test("that is killed before its mover comes harms nobody", async () => {
    await using process = start("restore_data", config, keyOf("gpbackup_0_13"));
    await prepare([restoreSpec("data", (await request()).id)]);
    process.kill();
    await process.end;
    await agent.call("releaseRun", { ref });
    expect(await agent.call("describe", { protocol: { min: 1, max: 1 } })).toMatchObject({
      runs: [],
    });
  });

  test("whose shell has gone has no clean end", async () => {
    const output = join(stage.dir, "orphan");
    const command = `${plugin} restore_data ${config} ${keyOf("gpbackup_0_11")} > ${output} & wait`;
    await using helper = new PluginProcess(command, { PATH: "/usr/bin:/bin" });
    await prepare([restoreSpec("data", (await request()).id)]);
    helper.kill();
    await expect.poll(() => readFile(output), PATIENT).toEqual(Buffer.of(0));
  });

  test("that does not go on reading does not hold up the end of the run", async () => {
    await using process = start("restore_data", config, keyOf("gpbackup_0_12"));
    await prepare([restoreSpec("data", (await request()).id)]);
    process.signal("SIGSTOP");
    const given = giveStream(agent, ref, { name: "data", bytes: Buffer.from("rows") });
    const refused = expect(given).rejects.toThrow();
    await event("streamOpened");
    await agent.call("abortRun", { ref, reason: "gprestore was killed" });
    await refused;
    process.signal("SIGCONT");
    const { status, stdout } = await process.end;
    expect({ status, last: stdout.at(-1) }).toEqual({ status: 1, last: 0 });
  });

  test("puts a file where it was, whole, over what is there", async () => {
    const folder = join(stage.dataOf("sdw1"), "restored");
    await mkdir(folder, { recursive: true });
    const path = join(folder, "gpbackup_metadata.sql");
    await writeFile(path, "old");
    await using process = start("restore_file", config, path);
    await prepare([restoreSpec("metadata", (await request()).id)]);
    await giveStream(agent, ref, { name: "metadata", bytes: Buffer.from("CREATE TABLE t ();\n") });
    expect(await process.end).toMatchObject({ status: 0, stderr: "" });
    expect(await readFile(path, "utf8")).toBe("CREATE TABLE t ();\n");
    expect(await readdir(folder)).toEqual(["gpbackup_metadata.sql"]);
  });

  test("of a file that fails leaves what was there", async () => {
    const folder = join(stage.dataOf("sdw1"), "kept");
    await mkdir(folder, { recursive: true });
    const path = join(folder, "gpbackup_metadata.sql");
    await writeFile(path, "old");
    await using process = start("restore_file", config, path);
    const { id } = await request();
    await agent.call("answerPlugin", { ref, id, error: "there is no such set" });
    expect(await process.end).toMatchObject({ status: 1, stderr: "there is no such set\n" });
    expect(await readdir(folder)).toEqual(["gpbackup_metadata.sql"]);
    expect(await readFile(path, "utf8")).toBe("old");
  });

  test("to a place where no file can be fails the stream, and says why", async () => {
    const path = join(stage.dataOf("sdw1"), "folder", "gpbackup_toc.yaml");
    await mkdir(path, { recursive: true });
    await using process = start("restore_file", config, path);
    await prepare([restoreSpec("toc", (await request()).id)]);
    const given = { name: "toc", bytes: Buffer.from("toc") };
    await expect(giveStream(agent, ref, given)).rejects.toThrow(
      `plugin process ${process.pid}: EISDIR`,
    );
    expect(await process.end).toMatchObject({ status: 1, stderr: /EISDIR/ });
    expect(await readdir(join(stage.dataOf("sdw1"), "folder"))).toEqual(["gpbackup_toc.yaml"]);
  });

  test("whose reader has had enough ends silently, and the host says who has gone", async () => {
    const command = `${plugin} restore_data ${config} ${keyOf("gpbackup_0_9")} | head -c 10`;
    await using process = new PluginProcess(command, { PATH: "/usr/bin:/bin" });
    await prepare([restoreSpec("data", (await request()).id)]);
    const given = { name: "data", bytes: randomBytes(8 * MIB) };
    await expect(giveStream(agent, ref, given)).rejects.toThrow(/plugin process \d+/);
    expect(await event("streamFailed")).toMatchObject({ code: "failed" });
    expect(await process.end).toMatchObject({ status: 0, stderr: "" });
  });
});

describe("the run decides", () => {
  test("whoever waits is told at once when the run is aborted", async () => {
    await using one = start("backup_data", config, keyOf("gpbackup_0_1"));
    await using other = start("restore_data", config, keyOf("gpbackup_0_2"));
    await request();
    await request();
    await agent.call("abortRun", { ref, reason: "gpbackup was killed" });
    for (const { end } of [one, other]) {
      const words = expect.stringContaining("was stopped: gpbackup was killed");
      expect(await end).toMatchObject({ status: 1, stderr: words });
    }
  });

  test("a process that is in the middle of its stream is told, too", async () => {
    await using one = start("backup_data", config, keyOf("gpbackup_0_1"));
    one.stdin.write(randomBytes(MIB));
    await prepare([specFor("data", (await request()).id)]);
    await Taking.begin(agent, ref, "data").until(MIB);
    await agent.call("abortRun", { ref, reason: "its target is full" });
    const words = expect.stringContaining("its target is full");
    expect(await one.end).toMatchObject({ status: 1, stderr: words });
  });

  test("a process that nobody serves fails when the run is released", async () => {
    await using process = start("backup_data", config, keyOf("gpbackup_0_1"));
    process.stdin.end("rows");
    await request();
    await agent.call("releaseRun", { ref });
    expect(await process.end).toMatchObject({ status: 1, stderr: /run raw-\w+ has ended/ });
  });

  test("without a run of the plan nothing is taken, and it is said what is missing", async () => {
    await agent.call("releaseRun", { ref });
    await using process = start("backup_data", config, keyOf("gpbackup_0_1"));
    expect(await process.end).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`agent sdw1: no run of plan "${PLAN}" takes gpbackup's data`),
    });
  });

  test("who comes after a run was stopped hears why it was", async () => {
    await agent.call("abortRun", { ref, reason: "target vault is full" });
    await using process = start("backup_data", config, keyOf("gpbackup_0_1"));
    const words = expect.stringContaining(`${ref.run} of it was stopped: target vault is full`);
    expect(await process.end).toMatchObject({ status: 1, stderr: words });
  });

  test("another gpbackup is refused, and the first goes on", async () => {
    const timestamp = "20261120095539";
    await prepare([], { writeConfig: false, direction: Direction.DIRECTION_BACKUP });
    const setUp = (kind: string, folder: string): PluginProcess =>
      start(`setup_plugin_for_${kind}`, config, folder, "segment_host");
    for (let count = 0; count < 2; count++) {
      await using process = setUp("backup", FOLDER);
      expect(await process.end).toMatchObject({ status: 0, stderr: "" });
    }
    const words = expect.stringContaining(
      `plan ${PLAN} is in use by the backup of ${TIMESTAMP} since `,
    );
    await using later = setUp("backup", `/data/gpseg0/backups/20261120/${timestamp}`);
    expect(await later.end).toMatchObject({ status: 1, stderr: words });
    await using other = setUp("restore", FOLDER);
    expect(await other.end).toMatchObject({ status: 1, stderr: words });
  });

  test("a run that has not asked for plugin processes gets none", async () => {
    await agent.call("releaseRun", { ref });
    ref = await agent.beginRun(PLAN);
    await using process = start("setup_plugin_for_backup", config, FOLDER, "segment_host");
    expect(await process.end).toMatchObject({ status: 1, stderr: /no run of plan/ });
  });

  test("the request of a process that has gone cannot be served", async () => {
    await using process = start("restore_data", config, keyOf("gpbackup_0_1"));
    const { id } = await request();
    process.kill();
    await process.end;
    await expect
      .poll(() => prepare([restoreSpec("data", id)]).catch(({ code }) => code), PATIENT)
      .toBe(Status.NOT_FOUND);
    // Nothing has been made: the run goes on.
    await using next = start("backup_data", config, keyOf("gpbackup_0_2"));
    next.stdin.end();
    await prepare([specFor("next", (await request()).id)]);
    await takeStream(agent, ref, "next");
    expect(await next.end).toMatchObject({ status: 0 });
  });

  test.for([
    ["no request", { pluginRequest: 0n }, "request 0"],
    ["one that there never was", { pluginRequest: 99n }, "request 99"],
    ["one of the other direction", { direction: Direction.DIRECTION_RESTORE }, "is a backup"],
    ["a path", { path: "/x" }, "has a path"],
  ] as const)("a stream with %s is refused", async ([, changes, words]) => {
    await using process = start("backup_data", config, keyOf("gpbackup_0_1"));
    const { id } = await request();
    await expect(prepare([specFor("data", id, changes)])).rejects.toThrow(words);
    expect(process.isRunning).toBe(true);
  });

  test("two streams cannot serve one request", async () => {
    await using process = start("backup_data", config, keyOf("gpbackup_0_1"));
    const { id } = await request();
    await prepare([specFor("data", id)]);
    await expect(prepare([specFor("twice", id)])).rejects.toThrow("does not wait any more");
    expect(process.isRunning).toBe(true);
  });

  test("all cannot be well with a request that has no stream, or that there never was", async () => {
    await using process = start("backup_data", config, keyOf("gpbackup_0_1"));
    const { id } = await request();
    await expect(agent.call("answerPlugin", { ref, id, error: "" })).rejects.toThrow("no stream");
    const never = { ref, id: id + 1n, error: "" };
    await expect(agent.call("answerPlugin", never)).rejects.toThrow("there was no request 2");
    expect(process.isRunning).toBe(true);
  });

  test("its configuration file names the plan and the socket, and goes with the run", async () => {
    const { pluginConfig } = await prepare([], { writeConfig: true });
    expect(await prepare([], { writeConfig: true })).toMatchObject({ pluginConfig });
    expect(await readFile(pluginConfig, "utf8")).toBe(
      `executablepath: "/usr/bin/gpbackup_penstock_plugin"
options:
  plan: "${PLAN}"
  socket: "${socket}"
  restore_subset: "on"
`,
    );
    expect((await stat(pluginConfig)).mode & 0o777).toBe(0o600);
    await using process = start(
      "setup_plugin_for_restore",
      pluginConfig,
      FOLDER,
      "segment",
      '\\"0\\"',
    );
    expect(await process.end).toMatchObject({ status: 0, stderr: "", stdout: Buffer.alloc(0) });
    await agent.call("releaseRun", { ref });
    await expect(stat(pluginConfig)).rejects.toThrow("ENOENT");
  });
});

describe("the program", () => {
  test.for([
    ["plugin_api_version", "0.5.0\n"],
    ["--version", "gpbackup_penstock_plugin version 0.1.0\n"],
    ["cleanup_plugin_for_backup /nowhere.yaml /x master", ""],
    ["cleanup_plugin_for_restore /nowhere.yaml /x segment_host", ""],
  ] as const)("answers %s", async ([command, stdout]) => {
    await using process = start(command);
    expect(await process.end).toMatchObject({ status: 0, stderr: "", stdout: Buffer.from(stdout) });
  });

  test.for([
    ["", "unknown command"],
    ["list_directory", 'unknown command "list_directory"'],
    ["backup_data", "a configuration file and 1 more arguments are needed"],
    ["backup_data /nowhere.yaml /x", "cannot read /nowhere.yaml"],
    ["restore_data_subset CONFIG /x /nowhere", "ENOENT"],
    ["backup_file CONFIG /nowhere", "ENOENT"],
    ["backup_data CONFIG x/../y", "key"],
    ["delete_backup CONFIG 2026", "2026 is no timestamp"],
  ] as const)("fails for %j", async ([command, words]) => {
    await using process = start(command.replace("CONFIG", config));
    const stderr = expect.stringContaining(words);
    expect(await process.end).toMatchObject({ status: 1, stderr });
  });

  test("says where it has looked for the agent", async () => {
    const nowhere = `PENSTOCK_PLUGIN_SOCKET=/nowhere.sock ${plugin}`;
    await using process = new PluginProcess(`${nowhere} backup_data ${config} /x`, {});
    const stderr = expect.stringContaining("cannot reach penstock-agent at /nowhere.sock");
    expect(await process.end).toMatchObject({ status: 1, stderr });
  });

  test("ends when whoever has started it has gone, and its stream fails", async () => {
    const command = `sleep 1000 | ${plugin} backup_data ${config} ${keyOf("gpbackup_0_1")} & wait`;
    await using helper = new PluginProcess(command, { PATH: "/usr/bin:/bin" });
    await prepare([specFor("data", (await request()).id)]);
    helper.kill();
    expect(await event("streamFailed")).toMatchObject({
      message: expect.stringMatching(/^plugin process \d+ ended after 0 bytes$/),
    });
  });
});

describe("gpbackup that nobody has started for a set", () => {
  const folder = `/data/master/gpseg-1/backups/20261120/${TIMESTAMP}`;
  /** Plays `penstock`, and gets its arguments in a file. */
  const playPenstock = async (script: string): Promise<{ config: string; args: string }> => {
    const [penstock, args] = [join(stage.dir, "penstock"), join(stage.dir, "args")];
    await rm(args, { force: true });
    await writeFile(penstock, `#!/bin/sh\necho "$@" > ${args}\n${script}\n`);
    await chmod(penstock, 0o755);
    const file = join(stage.dir, "plain.yaml");
    const text = await readFile(config, "utf8");
    await writeFile(file, `${text}  penstock: ${penstock}\n  config: /etc/own.yaml\n`);
    return { config: file, args };
  };

  test("has one opened, and waits until the agent has it", async () => {
    await agent.call("releaseRun", { ref });
    const played = await playPenstock(`while [ -e ${config} ]; do sleep 0.1; done`);
    await using process = start(
      "setup_plugin_for_backup",
      played.config,
      folder,
      "master",
      '\\"-1\\"',
    );
    const args = await vi.waitFor(async () => {
      const text = await readFile(played.args, "utf8");
      expect(text).toMatch(/\n$/); // a shell makes the file first
      return text;
    }, PATIENT);
    const [, pid] = /--client-pid (\d+)/.exec(args) ?? [];
    expect(args).toBe(
      `gpbackup backup ${PLAN} --timestamp ${TIMESTAMP} --client-pid ${pid} --config /etc/own.yaml\n`,
    );
    expect(Number(pid)).toBe(globalThis.process.pid);
    expect(process.isRunning).toBe(true);
    ref = await agent.beginRun(PLAN);
    await prepare([], { writeConfig: false });
    expect(await process.end).toMatchObject({ status: 0, stderr: "" });
  });

  test("has none opened while the plan is another's, and says whose", async () => {
    const session = { direction: Direction.DIRECTION_RESTORE, timestamp: TIMESTAMP };
    await prepare([], { writeConfig: false, ...session });
    const played = await playPenstock("exit 0");
    await using process = start("setup_plugin_for_backup", played.config, folder, "master");
    const words = expect.stringContaining(`is in use by the restore of ${TIMESTAMP}`);
    expect(await process.end).toMatchObject({ status: 1, stderr: words });
    await expect(stat(played.args)).rejects.toThrow("ENOENT");
  });

  test("waits for a run that is just ending, and then has its own opened", async () => {
    const session = { direction: Direction.DIRECTION_RESTORE, timestamp: TIMESTAMP };
    await prepare([], { writeConfig: false, ...session });
    const played = await playPenstock(`while [ -e ${config} ]; do sleep 0.1; done`);
    await using process = start("setup_plugin_for_backup", played.config, folder, "master");
    await agent.call("releaseRun", { ref });
    await vi.waitFor(() => stat(played.args), PATIENT);
    ref = await agent.beginRun(PLAN);
    await prepare([], { writeConfig: false, direction: Direction.DIRECTION_BACKUP });
    expect(await process.end).toMatchObject({ status: 0, stderr: "" });
  });

  test("fails with what has kept it from being opened", async () => {
    await agent.call("releaseRun", { ref });
    const played = await playPenstock(`echo "error: plan ${PLAN} is locked" >&2; exit 5`);
    await using process = start("setup_plugin_for_restore", played.config, folder, "coordinator");
    expect(await process.end).toMatchObject({
      status: 1,
      stderr: `error: plan ${PLAN} is locked\n`,
    });
    expect(await readFile(played.args, "utf8")).toContain("gpbackup restore");
  });

  test("has a backup deleted, and is told if it cannot be", async () => {
    const good = await playPenstock("exit 0");
    await using process = start("delete_backup", good.config, TIMESTAMP);
    expect(await process.end).toMatchObject({ status: 0, stderr: "" });
    expect(await readFile(good.args, "utf8")).toBe(
      `gpbackup delete ${PLAN} --timestamp ${TIMESTAMP} --config /etc/own.yaml\n`,
    );
    const bad = await playPenstock(`echo "error: there is none" >&2; exit 7`);
    await using other = start("delete_backup", bad.config, TIMESTAMP);
    expect(await other.end).toMatchObject({ status: 1, stderr: "error: there is none\n" });
  });
});
