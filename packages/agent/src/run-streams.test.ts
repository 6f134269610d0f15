import { once } from "node:events";
import { lstat, readdir } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { setImmediate as loopTurn } from "node:timers/promises";
import { Codec, Direction, StreamKind, StreamSpec } from "@penstock/proto";
import { expect, test } from "vitest";
import { EventLog } from "./event-log.ts";
import { LocalStreamHost } from "./local-stream-host.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { endFrame } from "./plugin/frames.ts";
import { PluginConnection } from "./plugin/plugin-connection.ts";
import { PluginSession } from "./plugin/plugin-session.ts";
import { RunJournal } from "./run-journal.ts";
import { RunKeepers } from "./run-keepers.ts";
import { RunStreams } from "./run-streams.ts";
import { createFolder } from "./testing.ts";
import { TransferService } from "./transfer-service.ts";

const MIB = 1024 * 1024;
const SILENT = {
  onOpened() {},
  onCalledAgain() {},
  onEnded() {},
  onFailed() {},
  releaseGuard: async () => {},
};

/** The streams of a run whose pipes lie in a folder of their own. */
async function openStreams() {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await createFolder());
  const journal = await RunJournal.open(join(folder.path, "state"), "run");
  stack.defer(() => journal.removeMade());
  const keepers = stack.use(await RunKeepers.start());
  const service = new TransferService("warehouse", () => {});
  const mainHost = stack.use(new LocalStreamHost(service, new MemoryBudget(64 * MIB, MIB)));
  const session = new PluginSession({ run: "run", plan: "nightly" }, new EventLog());
  const streams = new RunStreams({
    ...{ run: "run", token: Buffer.alloc(32), roots: [folder.path] },
    ...{ stateDirectory: join(folder.path, "state"), hosts: [mainHost], mainHost },
    ...{ journal, keepers, plugin: session, eventsOf: () => SILENT },
  });
  stack.defer(() => streams.close());
  const spec = (name: string, changes: Partial<StreamSpec> = {}): StreamSpec =>
    StreamSpec.fromPartial({
      ...{ name, path: join(folder.path, "set", name), kind: StreamKind.STREAM_KIND_FIFO },
      ...{ direction: Direction.DIRECTION_BACKUP, codec: Codec.CODEC_NONE, ...changes },
    });
  const kept = stack.move();
  return {
    ...{ folder: folder.path, streams, service, spec, session },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** A plugin process that wants to hand over something in this session. */
async function openProcess(session: PluginSession, folder: string, key: string): Promise<Socket> {
  const path = join(folder, "plugin.sock");
  const server = createServer((socket) => {
    const request = { plan: "nightly", pid: 1, command: "backup", key, ranges: [] } as const;
    session.receive(request, new PluginConnection(socket));
  });
  server.listen(path);
  await once(server, "listening");
  const socket = connect(path);
  socket.on("error", () => {}); // it is closed while we still write
  await once(server, "connection");
  server.close();
  return socket.resume();
}

const pluginSpec = (name: string, id: number): StreamSpec =>
  StreamSpec.fromPartial({
    ...{ name, kind: StreamKind.STREAM_KIND_PLUGIN, direction: Direction.DIRECTION_BACKUP },
    ...{ codec: Codec.CODEC_NONE, pluginRequest: BigInt(id) },
  });

test("streams that are prepared again are answered as before, and nothing is made twice", async () => {
  await using opened = await openStreams();
  const { streams, service, spec, folder } = opened;
  const first = await streams.prepare([spec("one"), spec("two")], false);
  const { ino } = await lstat(join(folder, "set/one"));
  expect(await streams.prepare([spec("one"), spec("two")], false)).toEqual(first);
  expect((await lstat(join(folder, "set/one"))).ino).toBe(ino);
  expect(service.size).toBe(2);
});

test("a request may name known streams and new ones, in any order", async () => {
  await using opened = await openStreams();
  const { streams, spec, folder } = opened;
  await streams.prepare([spec("one")], false);
  const answer = await streams.prepare([spec("two"), spec("one"), spec("three")], false);
  expect(answer.map(({ name }) => name)).toEqual(["two", "one", "three"]);
  expect((await readdir(join(folder, "set"))).sort()).toEqual(["one", "three", "two"]);
});

test("a request that is repeated while the first is under way waits for it", async () => {
  await using opened = await openStreams();
  const { streams, service, spec } = opened;
  const specs = ["one", "two", "three"].map((name) => spec(name));
  const [first, second] = await Promise.all([
    streams.prepare(specs, false),
    streams.prepare(specs, false),
  ]);
  expect(second).toEqual(first);
  expect(service.size).toBe(3);
});

test("another stream under a known name is refused at its place, and nothing is made", async () => {
  await using opened = await openStreams();
  const { streams, spec, folder } = opened;
  await streams.prepare([spec("one")], false);
  const changed = [spec("two"), spec("one", { codec: Codec.CODEC_ZSTD })];
  await expect(streams.prepare(changed, false)).rejects.toMatchObject({
    code: "usage",
    place: { list: "streams", index: 1, field: "name" },
  });
  expect(await readdir(join(folder, "set"))).toEqual(["one"]);
});

test("a restore's pipes, more than one keeper holds, are all guarded", async () => {
  await using opened = await openStreams();
  const { streams, spec } = opened;
  const names = Array.from({ length: 16 }, (_, index) => `s${index}`);
  const direction = Direction.DIRECTION_RESTORE;
  const specs = names.map((name) => spec(name, { direction }));
  await streams.prepare(specs, false);
  const guards = names.map((name) => streams.get(name).guard);
  expect(new Set(guards.map((guard) => guard?.keeper)).size).toBe(3);
  for (const guard of guards) guard?.assertHeld();
});

test("once the run ends nothing more is made, whether it waits already or comes later", async () => {
  await using opened = await openStreams();
  const { streams, spec, folder } = opened;
  await streams.prepare([spec("one")], false);
  const waiting = streams.prepare([spec("two")], false);
  streams.refuseMore();
  await expect(waiting).rejects.toMatchObject({ code: "not_found" });
  await streams.close();
  await expect(streams.prepare([spec("three")], false)).rejects.toThrow("run run has ended");
  expect(await readdir(join(folder, "set"))).toEqual(["one"]);
});

test("a restore's pipes stay open when only what has no consumer is closed", async () => {
  await using opened = await openStreams();
  const { streams, service, spec } = opened;
  const direction = Direction.DIRECTION_RESTORE;
  const file = spec("file", { direction, kind: StreamKind.STREAM_KIND_FILE });
  await streams.prepare([spec("dump"), spec("restored", { direction }), file], false);
  await streams.close("without consumers");
  expect(service.size).toBe(1);
  streams.get("restored").guard?.assertHeld();
});

test("a plugin process that goes at any moment harms no other stream", async () => {
  await using opened = await openStreams();
  const { streams, session, spec, folder } = opened;
  for (let id = 1; id <= 30; id++) {
    const socket = await openProcess(session, folder, `/${id}`);
    const prepared = streams.prepare([pluginSpec(`s${id}`, id)], false).catch(() => {});
    for (let turns = 1; turns < id; turns++) await loopTurn();
    await session.answer(id, "the target is full");
    await prepared;
    socket.destroy();
  }
  await streams.prepare([spec("one")], false);
  expect(streams.get("one").plan.kind).toBe("fifo");
});

test("two streams for one request are refused together, and nothing is made", async () => {
  await using opened = await openStreams();
  const { streams, session, spec, folder } = opened;
  const socket = await openProcess(session, folder, "/a");
  const twice = [pluginSpec("one", 1), pluginSpec("two", 1)];
  await expect(streams.prepare(twice, false)).rejects.toThrow("two streams for one request");
  await streams.prepare([pluginSpec("one", 1), spec("pipe")], false);
  socket.destroy();
});

test("a stream whose plugin process has ended is forgotten", async () => {
  await using opened = await openStreams();
  const { streams, service, session, folder } = opened;
  const socket = await openProcess(session, folder, "/a");
  await streams.prepare([pluginSpec("data", 1)], false);
  expect(streams.isOver("data")).toBe(false);
  socket.end(endFrame(0));
  await expect.poll(() => streams.isOver("data")).toBe(true);
  await expect.poll(() => service.size).toBe(0);
  expect(() => streams.get("data")).toThrow("was not prepared");
});
