import { randomInt } from "node:crypto";
import { constants } from "node:fs";
import { lstat, open as openFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32, gzipSync } from "node:zlib";
import { status as Status } from "@grpc/grpc-js";
import type { TlsMaterial } from "@penstock/common";
import {
  Codec,
  Direction,
  PrepareRequest,
  type RunEvent,
  type RunRef,
  StartToolRequest,
  type StreamSpec,
} from "@penstock/proto";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { processesWith } from "../harness/processes.ts";
import { createMaterial, RawAgent, type RawTransfer, toSpec } from "./raw-agent.ts";
import { openStage } from "./stage.ts";

/** For what has to be looked at again and again, on a busy machine. */
const PATIENT = { timeout: 60_000 };

const COMMENT = "--\n-- Greenplum Database database dump complete\n--\n\n";

describe.each([1, 2])("an agent with %i threads", (threads) => {
  const stage = openStage({ hosts: ["sdw1"], agentSettings: { threads } });
  let material: TlsMaterial;
  let agent: RawAgent;
  let ref: RunRef;
  let root: string;
  let key: string;
  const dialed: RawAgent[] = [];

  beforeAll(async () => {
    material = await createMaterial(join(stage.dir, "pki"), "controller");
    root = stage.cluster.host("sdw1").root;
  });
  beforeEach(async () => {
    agent = dial(stage.cluster.host("sdw1").address);
    ref = await agent.beginRun("raw");
    key = `9${randomInt(10 ** 13, 10 ** 14 - 1)}`;
  });
  afterEach(async () => {
    await agent.call("releaseRun", { ref });
    expect(await stage.cluster.leftOvers()).toEqual([]);
    for (const each of dialed.splice(0)) each[Symbol.dispose]();
  });

  function dial(address: string): RawAgent {
    const client = new RawAgent({ address }, material);
    dialed.push(client);
    return client;
  }

  const pipeOf = (name: string): string => join(root, `${name}.pipe`);

  /** Prepares pipes and begins their transfers, each where its thread listens. */
  async function prepare(
    all: Readonly<Record<string, Partial<StreamSpec>>>,
    more: Partial<PrepareRequest> = {},
  ): Promise<RawTransfer[]> {
    const streams = Object.entries(all).map(([name, spec]) => toSpec(name, pipeOf(name), spec));
    const request = PrepareRequest.create({ ref, streams, ...more });
    const { streams: prepared } = await agent.call("prepare", request);
    const { address } = stage.cluster.host("sdw1");
    return prepared.map(({ name, port }) => {
      const place = port === 0 ? address : `${address.slice(0, address.lastIndexOf(":"))}:${port}`;
      const value = { ref, stream: name, protocol: 1, offset: 0n, adopt: false };
      return dial(place).transfer().send({ $case: "open", value });
    });
  }

  async function start(script: string, changes: Partial<StartToolRequest> = {}): Promise<number> {
    const request = { ref, toolId: "1", tool: "sh", args: ["-c", script], graceMs: 500 };
    const answer = await agent.call(
      "startTool",
      StartToolRequest.create({ ...request, ...changes }),
    );
    return answer.pid;
  }

  type EventCase = NonNullable<RunEvent["event"]>["$case"];

  /** The first event of a kind. */
  async function eventOf(kind: EventCase): Promise<unknown> {
    for await (const event of eventsOf(agent, ref)) {
      if (event.$case === kind) return event.value;
    }
    throw new Error(`no ${kind}`);
  }

  describe("a pipe that is held open", () => {
    test("gives every byte of a writer that opens it many times, and ends with its tool", async () => {
      const [transfer] = await prepare({ stats: { heldOpen: true } });
      const rows = 'for i in $(seq 1 300); do echo "row $i" >> "$0"; done';
      await start(rows, { args: ["-c", rows, pipeOf("stats")], streams: ["stats"], graceMs: 1 });
      const expected = Array.from({ length: 300 }, (_, index) => `row ${index + 1}\n`).join("");
      expect(String(await receive(transfer))).toBe(expected);
      expect(await eventOf("streamEnded")).toMatchObject({
        name: "stats",
        tally: { rawBytes: BigInt(expected.length) },
      });
    });

    test("ends when it is told to, and a repetition is harmless", async () => {
      const [transfer] = await prepare({ stats: { heldOpen: true, codec: Codec.CODEC_GZIP } });
      await writeFile(pipeOf("stats"), "first\n");
      await writeFile(pipeOf("stats"), "second\n");
      for (let times = 0; times < 2; times++) {
        await agent.call("endStreams", { ref, names: ["stats"] });
      }
      expect((await receive(transfer)).subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
      await agent.call("endStreams", { ref, names: ["stats"] });
    });

    test("was never opened if nothing was written", async () => {
      const [transfer] = await prepare({ stats: { heldOpen: true } });
      const failed = transfer?.failure();
      await start("exit 0", { streams: ["stats"] });
      expect(await failed).toMatchObject({
        code: Status.NOT_FOUND,
        details: expect.stringContaining("was never opened by its writer"),
      });
    });

    test("is only what was asked for", async () => {
      await prepare({ app: {} });
      await expect(agent.call("endStreams", { ref, names: ["app"] })).rejects.toMatchObject({
        code: Status.INVALID_ARGUMENT,
        details: "stream app is not held open: it ends by itself",
      });
    });
  });

  describe("a stream that has a format", () => {
    const dump = gzipSync(`COPY t FROM stdin;\n${"a row\n".repeat(100_000)}\\.\n${COMMENT}`);

    test("is good if it is whole", async () => {
      const [transfer] = await prepare({ seg: { format: "gpdump.gz" } });
      await writeFile(join(stage.dataOf("sdw1"), "dump"), dump);
      await start(`cat ${stage.dataOf("sdw1")}/dump > ${pipeOf("seg")}`, { streams: ["seg"] });
      expect((await receive(transfer)).equals(dump)).toBe(true);
    });

    test("fails at once if it is cut, whatever its tool says", async () => {
      const [transfer] = await prepare({ seg: { format: "gpdump.gz", codec: Codec.CODEC_ZSTD } });
      const failed = transfer?.failure();
      await writeFile(join(stage.dataOf("sdw1"), "dump"), dump.subarray(0, -1));
      await start(`cat ${stage.dataOf("sdw1")}/dump > ${pipeOf("seg")}`, { streams: ["seg"] });
      expect(await eventOf("streamFailed")).toEqual({
        name: "seg",
        code: "damaged",
        message: "ends in the middle of its gzip data",
      });
      expect(await failed).toMatchObject({ code: Status.DATA_LOSS });
    });

    test("fails if its writer has closed the file well, but not said that it was done", async () => {
      await prepare({ seg: { format: "gpdump.gz" } });
      await start(`echo "COPY t FROM stdin;" | gzip -1 > ${pipeOf("seg")}`, { streams: ["seg"] });
      expect(await eventOf("streamFailed")).toMatchObject({
        code: "damaged",
        message: expect.stringContaining('"Greenplum Database database dump complete"'),
      });
    });
  });

  test("what cannot be asked of a stream is refused at its place", async () => {
    await writeFile(join(root, "file"), "rows");
    const restore = { direction: Direction.DIRECTION_RESTORE };
    const cases: [Partial<StreamSpec>, string][] = [
      [{ format: "zip" }, "unknown format zip"],
      [{ format: "gzip", ...restore }, "cannot be checked for a format"],
      [{ heldOpen: true, ...restore }, "no pipe of a backup that could be held open"],
      [{ mayExist: true, path: join(root, "file") }, "what is there is not a named pipe"],
    ];
    for (const [spec, details] of cases) {
      await expect(prepare({ app: spec })).rejects.toMatchObject({
        details: expect.stringContaining(details),
      });
    }
    await start(`rm ${root}/file`);
    await eventOf("toolExited");
  });

  test("a pipe that is there already is used, and left", async () => {
    const made = "mkfifo -m 640 $0 && echo made";
    await start(made, { args: ["-c", made, pipeOf("app")] });
    await eventOf("toolExited");
    const { ino } = await lstat(pipeOf("app"));
    const [transfer] = await prepare({ app: { mayExist: true }, other: { mayExist: true } });
    await start(`echo rows > ${pipeOf("app")}`, { toolId: "2", streams: ["app"] });
    expect(String(await receive(transfer))).toBe("rows\n");
    await agent.call("abortRun", { ref, reason: "test" });
    expect((await lstat(pipeOf("app"))).ino).toBe(ino);
    expect(await readdir(root)).toEqual(["app.pipe"]);
    ref = await agent.beginRun("raw");
    await start(`rm ${pipeOf("app")}`);
    await eventOf("toolExited");
  });

  test("what a tool reports is told: its output, a file and when it was written", async () => {
    const script = `seq 2000; echo words >&2; seq 3 > ${root}/report`;
    await start(script, { keepStdoutBytes: 65_536 });
    const { stdoutTail, stderrTail } = (await eventOf("toolExited")) as Record<string, string>;
    expect(stdoutTail?.split("\n")).toHaveLength(2000);
    expect(stderrTail).toBe("words");
    const path = join(root, "report");
    const { data, modifiedMs } = await agent.call("readFile", { ref, path, maxBytes: 100 });
    expect(String(data)).toBe("1\n2\n3\n");
    const { files } = await agent.call("findFiles", { ref, globs: [`${root}/rep*`] });
    expect(files).toEqual([{ path, bytes: 6n, modifiedMs }]);
    for (const [name, maxBytes, code] of [
      ["report", 5, Status.FAILED_PRECONDITION],
      ["none", 5, Status.NOT_FOUND],
      ["../x", 5, Status.INVALID_ARGUMENT],
    ] as const) {
      const asked = agent.call("readFile", { ref, path: `${root}/${name}`, maxBytes });
      await expect(asked).rejects.toMatchObject({ code });
    }
    await start(`rm ${path}; echo "only this"`, { toolId: "2" });
    await expect
      .poll(async () => (await exits(agent, ref))["2"], PATIENT)
      .toMatchObject({ stderrTail: "", stdoutTail: "only this" });
    await expect(start("true", { toolId: "3", keepStdoutBytes: 2 ** 21 })).rejects.toMatchObject({
      code: Status.INVALID_ARGUMENT,
    });
  });

  /** A writer in a session of its own, as a database server would start one. */
  const strayScript = (pipe: string): string =>
    `setsid sh -c 'trap "" PIPE; cat /dev/zero > "$0"; read -r x < "$0"' ${pipe} --gp-k ${key}_1 2> /dev/null &`;

  describe("what a database server has started for a dump", () => {
    const strays = (): Partial<PrepareRequest> => ({ strays: [`--gp-k ${key}_`] });

    test("is stopped with the run, also where it waits for a reader", async () => {
      await prepare({ seg: {}, post: {} }, strays());
      const script = `${strayScript(pipeOf("seg"))} ${strayScript(pipeOf("post"))} echo started; wait`;
      await start(script, { streams: ["seg", "post"] });
      await expect.poll(() => processesWith(`--gp-k\0${key}_`), PATIENT).toHaveLength(2);
      await agent.call("abortRun", { ref, reason: "test" });
      expect(await processesWith(`--gp-k\0${key}_`)).toEqual([]);
      expect(await readdir(root)).toEqual([]);
    });

    test("is stopped by the next start of an agent that was killed", async () => {
      const host = stage.cluster.host("sdw1");
      await prepare({ seg: {}, post: {} }, strays());
      const script = `${strayScript(pipeOf("seg"))} ${strayScript(pipeOf("post"))} echo started; wait`;
      await start(script, { streams: ["seg", "post"] });
      await expect.poll(() => processesWith(`--gp-k\0${key}_`), PATIENT).toHaveLength(2);
      host.child.kill("SIGKILL");
      await host.child.exited;
      await host.start(stage.signal);
      expect(await processesWith(`--gp-k\0${key}_`)).toEqual([]);
      expect(await readdir(root)).toEqual([]);
      agent = dial(host.address);
    });

    test("is left alone when the run ends well", async () => {
      await prepare({}, strays());
      const script = `setsid sh -c 'read -r x < "$0"' ${pipeOf("own")} --gp-k ${key}_1 & wait`;
      await start(`mkfifo ${pipeOf("own")}; (${script}) > /dev/null 2>&1 &`);
      await expect.poll(() => processesWith(`--gp-k\0${key}_`), PATIENT).toHaveLength(1);
      await agent.call("releaseRun", { ref });
      expect(await processesWith(`--gp-k\0${key}_`)).toHaveLength(1);
      const own = await openFile(pipeOf("own"), constants.O_WRONLY);
      await own.writeFile("go\n");
      await own.close();
      await expect.poll(() => processesWith(`--gp-k\0${key}_`), PATIENT).toEqual([]);
      ref = await agent.beginRun("raw");
      await start(`rm ${pipeOf("own")}`);
      await eventOf("toolExited");
    });

    test("must be told apart from others", async () => {
      await expect(prepare({}, { strays: ["gp_dump_agent"] })).rejects.toMatchObject({
        code: Status.INVALID_ARGUMENT,
        details: expect.stringContaining('"gp_dump_agent"'),
      });
    });
  });

  describe("a consumer that a database server has started", () => {
    /** It has read a part of its input, and says so. */
    async function begin(): Promise<string> {
      const out = join(stage.dataOf("sdw1"), `out-${key}`);
      const [transfer] = await prepare({ in: { direction: Direction.DIRECTION_RESTORE } });
      const consumer = `setsid sh -c 'cat "$0" > "$1" && touch "$1".complete' ${pipeOf("in")} ${out} &`;
      await start(`${consumer} wait`, { streams: ["in"] });
      expect(await transfer?.next()).toMatchObject({ $case: "opened" });
      const data = Buffer.from("half of the rows\n");
      const value = { offset: 0n, crc32: crc32(data), data };
      transfer?.send({ $case: "frame", value });
      await expect.poll(() => readFile(out, "utf8").catch(() => ""), PATIENT).toBe(String(data));
      return out;
    }

    test("is killed before its pipe is closed, when the run is aborted", async () => {
      const out = await begin();
      await agent.call("abortRun", { ref, reason: "test" });
      await expect.poll(() => processesWith(out), PATIENT).toEqual([]);
      expect(await readdir(stage.dataOf("sdw1"))).not.toContain(`out-${key}.complete`);
    });

    test("is killed before its pipe is closed, when the agent is", async () => {
      const out = await begin();
      const host = stage.cluster.host("sdw1");
      host.child.kill("SIGKILL");
      await host.child.exited;
      await expect.poll(() => processesWith(out), PATIENT).toEqual([]);
      expect(await readdir(stage.dataOf("sdw1"))).not.toContain(`out-${key}.complete`);
      await host.start(stage.signal);
      agent = dial(host.address);
    });
  });
});

/** All bytes of a backup stream, to its end. */
async function receive(transfer: RawTransfer | undefined): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const message = await transfer?.next();
    if (message?.$case === "frame") chunks.push(message.value.data);
    if (message?.$case === "end") {
      transfer?.send({ $case: "finished", value: {} });
      return Buffer.concat(chunks);
    }
    if (message === undefined) throw new Error("no end");
  }
}

async function* eventsOf(
  agent: RawAgent,
  ref: RunRef,
): AsyncGenerator<NonNullable<RunEvent["event"]>, void, undefined> {
  const events = agent.watch(ref);
  for (;;) {
    const { done, value } = await events.next();
    if (done === true) return;
    if (value.event !== undefined) yield value.event;
  }
}

/** The tools of a run that have exited so far, by id; the run goes on. */
async function exits(agent: RawAgent, ref: RunRef): Promise<Record<string, object>> {
  const ended: Record<string, object> = {};
  for await (const event of eventsOf(agent, ref)) {
    if (event.$case !== "toolExited") continue;
    ended[event.value.toolId] = event.value;
    if (event.value.toolId === "2") break;
  }
  return ended;
}
