import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { status as Status } from "@grpc/grpc-js";
import { PROTOCOL } from "@penstock/common";
import {
  type Codec,
  Direction,
  PrepareRequest,
  type RunRef,
  StartToolRequest,
  StreamKind,
  type StreamSpec,
} from "@penstock/proto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createMaterial, RawAgent, toSpec } from "./raw-agent.ts";
import { copyPlan } from "./shell-plan.ts";
import { openStage } from "./stage.ts";

const stage = openStage({ hosts: ["sdw1"], tools: { sh: "/bin/sh", cat: "/bin/cat" } });
let agent: RawAgent;
let ref: RunRef;
let root: string;

beforeAll(async () => {
  const { cluster, dir } = stage;
  agent = new RawAgent(cluster.host("sdw1"), await createMaterial(join(dir, "pki"), "controller"));
  root = cluster.host("sdw1").root;
});
afterAll(() => agent[Symbol.dispose]());
beforeEach(async () => {
  ref = await agent.beginRun("raw");
});
afterEach(async () => {
  await agent.call("releaseRun", { ref });
  expect(await stage.cluster.leftOvers()).toEqual([]);
});

const begin = (changes: object): Promise<unknown> =>
  agent.call("beginRun", {
    protocol: PROTOCOL,
    run: "20260101000000",
    token: randomBytes(32),
    plan: "other",
    holder: "raw",
    cluster: "warehouse",
    leaseMs: 0,
    ...changes,
  });
const prepare = (...streams: StreamSpec[]): Promise<unknown> =>
  agent.call("prepare", PrepareRequest.create({ ref, streams }));
const pipe = (changes: Partial<StreamSpec>): Promise<unknown> =>
  prepare(toSpec("app", join(root, "app.pipe"), changes));
const start = (changes: Partial<StartToolRequest>): Promise<unknown> =>
  agent.call(
    "startTool",
    StartToolRequest.create({
      ref,
      toolId: "1",
      tool: "sh",
      args: ["-c", "exit 0"],
      graceMs: 1000,
      ...changes,
    }),
  );
const wrongToken = (): RunRef => ({ ...ref, token: randomBytes(32) });

describe("a call that makes no sense is answered by an error that says why", () => {
  test.for([
    [
      "an unknown run",
      () => agent.call("renewLease", { ref: { ...ref, run: "x" } }),
      "NOT_FOUND",
      "run x is not known",
    ],
    [
      "no run",
      () => agent.call("renewLease", { ref: undefined }),
      "NOT_FOUND",
      "is not known here",
    ],
    [
      "a wrong token",
      () => agent.call("renewLease", { ref: wrongToken() }),
      "PERMISSION_DENIED",
      "token",
    ],
    [
      "an abort with a wrong token",
      () => agent.call("abortRun", { ref: wrongToken(), reason: "" }),
      "PERMISSION_DENIED",
      "token",
    ],
    [
      "a release with a wrong token",
      () => agent.call("releaseRun", { ref: wrongToken() }),
      "PERMISSION_DENIED",
      "token",
    ],
    [
      "a run named like a path",
      () => begin({ run: "../../etc" }),
      "INVALID_ARGUMENT",
      "bad name of a run",
    ],
    [
      "a short token",
      () => begin({ token: randomBytes(8) }),
      "INVALID_ARGUMENT",
      "32 bytes, not 8",
    ],
    [
      "another cluster",
      () => begin({ cluster: "lakehouse" }),
      "INVALID_ARGUMENT",
      "cluster warehouse, not lakehouse",
    ],
    [
      "an endless lease",
      () => begin({ leaseMs: 4_000_000_000 }),
      "INVALID_ARGUMENT",
      "allowed: 1s to 1h",
    ],
    [
      "a protocol to come",
      () => begin({ protocol: { min: 7, max: 9 } }),
      "FAILED_PRECONDITION",
      "protocols 7 to 9",
    ],
    ["no protocol", () => begin({ protocol: undefined }), "FAILED_PRECONDITION", "no protocol"],
    ["a run that exists", () => begin({ run: ref.run }), "ALREADY_EXISTS", `run `],
    ["a stream named like a path", () => pipe({ name: "../app" }), "INVALID_ARGUMENT", "bad name"],
    [
      "a stream of no kind",
      () => pipe({ kind: StreamKind.STREAM_KIND_UNSPECIFIED }),
      "INVALID_ARGUMENT",
      "kind",
    ],
    [
      "a stream of a kind to come",
      () => pipe({ kind: 99 as StreamKind }),
      "INVALID_ARGUMENT",
      "kind 99",
    ],
    ["a codec to come", () => pipe({ codec: 99 as Codec }), "INVALID_ARGUMENT", "codec 99"],
    [
      "no direction",
      () => pipe({ direction: Direction.DIRECTION_UNSPECIFIED }),
      "INVALID_ARGUMENT",
      "direction",
    ],
    [
      "an output with a path",
      () => pipe({ kind: StreamKind.STREAM_KIND_STDOUT }),
      "INVALID_ARGUMENT",
      "has a path",
    ],
    [
      "an input in a backup",
      () => pipe({ kind: StreamKind.STREAM_KIND_STDIN, path: "" }),
      "INVALID_ARGUMENT",
      "cannot be used in a backup",
    ],
    ["a relative path", () => pipe({ path: "app.pipe" }), "INVALID_ARGUMENT", "not absolute"],
    [
      "a path with ..",
      () => pipe({ path: `${root}/../app.pipe` }),
      "INVALID_ARGUMENT",
      "outside the roots",
    ],
    ["a path with NUL", () => pipe({ path: `${root}/a\0b` }), "INVALID_ARGUMENT", "NUL"],
    [
      "a path without end",
      () => pipe({ path: `${root}/${"x".repeat(300)}` }),
      "FAILED_PRECONDITION",
      "ENAMETOOLONG",
    ],
    [
      "one name twice",
      () => prepare(toSpec("a", `${root}/a`), toSpec("a", `${root}/b`)),
      "INVALID_ARGUMENT",
      "twice",
    ],
    [
      "one path twice",
      () => prepare(toSpec("a", `${root}/a`), toSpec("b", `${root}/a`)),
      "INVALID_ARGUMENT",
      "twice",
    ],
    ["a tool that is not allowed", () => start({ tool: "rm" }), "INVALID_ARGUMENT", "not allowed"],
    [
      "a tool of the prototype",
      () => start({ tool: "constructor" }),
      "INVALID_ARGUMENT",
      "not allowed",
    ],
    ["an argument with NUL", () => start({ args: ["a\0b"] }), "INVALID_ARGUMENT", "NUL"],
    [
      "a variable without name",
      () => start({ env: { "": "x" } }),
      "INVALID_ARGUMENT",
      "cannot name a variable",
    ],
    [
      "a signal to come",
      () => start({ stopSignal: "SIGNEW" }),
      "INVALID_ARGUMENT",
      "no signal SIGNEW",
    ],
    [
      "a stream that was not prepared",
      () => start({ streams: ["app"] }),
      "INVALID_ARGUMENT",
      "not prepared",
    ],
    [
      "an output that was not prepared",
      () => start({ stdoutStream: "app" }),
      "INVALID_ARGUMENT",
      "not prepared",
    ],
    [
      "a pattern outside the roots",
      () => agent.call("findFiles", { ref, globs: ["/etc/*"] }),
      "INVALID_ARGUMENT",
      "outside the roots",
    ],
    [
      "a pattern without end",
      () => agent.call("findFiles", { ref, globs: [`${root}/**/x`] }),
      "INVALID_ARGUMENT",
      "**",
    ],
    [
      "a message that is too large",
      () => agent.call("findFiles", { ref, globs: ["x".repeat(5_000_000)] }),
      "RESOURCE_EXHAUSTED",
      "larger than max",
    ],
    [
      "bytes that are no message",
      () => agent.callBytes("/penstock.v1.Agent/Prepare", Buffer.alloc(99, 0xff)),
      "INTERNAL",
      "deserializ",
    ],
    [
      "an unknown method",
      () => agent.callBytes("/penstock.v1.Agent/Destroy", Buffer.alloc(0)),
      "UNIMPLEMENTED",
      "Destroy",
    ],
  ] as const)("%s", async ([, call, code, words]) => {
    await expect(call()).rejects.toMatchObject({
      code: Status[code],
      details: expect.stringContaining(words),
    });
  });
});

test("a run that has ended is not known any more, and to end it again is harmless", async () => {
  await pipe({});
  await agent.call("releaseRun", { ref });
  expect(await readdir(root)).toEqual([]);
  for (const late of [() => pipe({}), () => start({}), () => agent.call("renewLease", { ref })]) {
    await expect(late()).rejects.toMatchObject({ code: Status.NOT_FOUND });
  }
  await expect(agent.transfer().send(open("app")).failure()).resolves.toMatchObject({
    code: Status.NOT_FOUND,
  });
  await agent.call("releaseRun", { ref });
  await agent.call("abortRun", { ref, reason: "again" });
});

describe("a transfer that makes no sense is ended by an error that says why", () => {
  beforeEach(async () => {
    await prepare(
      toSpec("out", join(root, "out.pipe")),
      toSpec("in", join(root, "in.pipe"), { direction: Direction.DIRECTION_RESTORE }),
    );
  });

  test.for([
    [
      "it begins with a frame",
      () => agent.transfer().send(frame(0, "rows")),
      "INVALID_ARGUMENT",
      'begins with "open"',
    ],
    [
      "it ends before it begins",
      () => agent.transfer().end(),
      "INVALID_ARGUMENT",
      'begins with "open"',
    ],
    [
      "it begins with garbage",
      () => agent.transfer().send(Buffer.alloc(99, 0xff)),
      "INTERNAL",
      "deserializ",
    ],
    [
      "it names no run",
      () => agent.transfer().send(open("out", { ref: undefined })),
      "NOT_FOUND",
      "no stream out",
    ],
    [
      "it names another run",
      () => agent.transfer().send(open("out", { ref: { ...ref, run: "x" } })),
      "NOT_FOUND",
      "of run x",
    ],
    [
      "it names another stream",
      () => agent.transfer().send(open("app")),
      "NOT_FOUND",
      "no stream app",
    ],
    [
      "its token is wrong",
      () => agent.transfer().send(open("out", { ref: wrongToken() })),
      "PERMISSION_DENIED",
      "token",
    ],
    [
      "its protocol is one to come",
      () => agent.transfer().send(open("out", { protocol: 9 })),
      "FAILED_PRECONDITION",
      "protocol 9",
    ],
    [
      "it wants bytes that are not there yet",
      () => agent.transfer().send(open("out", { offset: 1_000_000n })),
      "DATA_LOSS",
      "byte 1000000",
    ],
    [
      "it acknowledges what was never sent",
      () =>
        agent
          .transfer()
          .send(open("out"))
          .send({ $case: "ack", value: { offset: 99n } }),
      "DATA_LOSS",
      "byte 99",
    ],
    [
      "it sends where it should receive",
      () => agent.transfer().send(open("out")).send(frame(0, "rows")),
      "FAILED_PRECONDITION",
      '"frame"',
    ],
    [
      "it finishes what has not ended",
      () => agent.transfer().send(open("out")).send({ $case: "finished", value: {} }),
      "FAILED_PRECONDITION",
      "finished",
    ],
    [
      "it goes on with garbage",
      () => agent.transfer().send(open("out")).send(Buffer.alloc(99, 0xff)),
      "INTERNAL",
      "deserializ",
    ],
    [
      "it goes on with far too much",
      () => agent.transfer().send(open("out")).send(Buffer.alloc(5_000_000)),
      "RESOURCE_EXHAUSTED",
      "larger than max",
    ],
  ] as const)("%s", async ([, begun, code, words]) => {
    const error = await begun().failure();
    expect(error).toMatchObject({ code: Status[code], details: expect.stringContaining(words) });
    // Whoever does it right is served.
    expect(await agent.transfer().send(open("out")).next()).toEqual({
      $case: "opened",
      value: { offset: 0n },
    });
  });

  test.for([
    ["bytes from the middle", () => [frame(4, "rows")], "byte 0 was due"],
    ["bytes twice", () => [frame(0, "rows"), frame(0, "rows")], "byte 4 was due"],
    [
      "changed bytes",
      () => [{ ...frame(0, "rows"), value: { ...frame(0, "rows").value, crc32: 1 } }],
      "checksum",
    ],
    ["an empty frame", () => [frame(0, "")], "length of 0"],
    ["an end that promises other bytes", () => [frame(0, "rows"), END], ""],
  ] as const)("a restore does not take %s", async ([, messages, words]) => {
    const out = join(stage.dataOf("sdw1"), "out");
    await start({
      args: ["-c", `cat ${root}/in.pipe > ${out} && touch ${out}.complete`],
      streams: ["in"],
    });
    const transfer = agent.transfer().send(open("in"));
    expect(await transfer.next()).toMatchObject({ $case: "opened" });
    for (const message of messages()) transfer.send(message);
    expect(await transfer.failure()).toMatchObject({
      code: Status.DATA_LOSS,
      details: expect.stringContaining(words),
    });
    await agent.call("abortRun", { ref, reason: "damaged" });
    expect(await readdir(stage.dataOf("sdw1"))).not.toContain("out.complete");
  });
});

describe("who may do what is decided by the certificate", () => {
  test.for([["agent"], ["mover"]] as const)("role %s does not steer", async ([role]) => {
    const material = await createMaterial(join(stage.dir, "pki"), role);
    using other = new RawAgent(stage.cluster.host("sdw1"), material);
    await expect(other.beginRun("nightly")).rejects.toMatchObject({
      code: Status.PERMISSION_DENIED,
      details: `certificate of raw-${role} has role ${role}; controller is needed`,
    });
  });

  test("a mover transfers, an agent does not", async () => {
    await prepare(toSpec("out", join(root, "out.pipe")));
    const pki = join(stage.dir, "pki");
    const host = stage.cluster.host("sdw1");
    using mover = new RawAgent(host, await createMaterial(pki, "mover"));
    expect(await mover.transfer().send(open("out")).next()).toMatchObject({ $case: "opened" });
    using other = new RawAgent(host, await createMaterial(pki, "agent"));
    expect(await other.transfer().send(open("out")).failure()).toMatchObject({
      code: Status.PERMISSION_DENIED,
    });
  });
});

test("after all that the same agent process serves the next run", async () => {
  await stage.put("sdw1", "in", "rows\n");
  await stage.cluster.configure({ plans: { nightly: copyPlan(stage, ["sdw1"]) } });
  expect(stage.cluster.host("sdw1").child.isRunning).toBe(true);
  const { set } = await stage.backup("nightly");
  await stage.ok("verify", set);
});

function open(stream: string, changes: object = {}) {
  return {
    $case: "open",
    value: { ref, stream, protocol: 1, offset: 0n, adopt: false, ...changes },
  } as const;
}

function frame(offset: number, text: string) {
  const data = Buffer.from(text);
  return { $case: "frame", value: { offset: BigInt(offset), crc32: crc32(data), data } } as const;
}

const END = {
  $case: "end",
  value: {
    tool: undefined,
    tally: {
      rawBytes: 4n,
      storedBytes: 4n,
      rawSha256: Buffer.alloc(32),
      storedSha256: Buffer.alloc(32),
    },
  },
} as const;
