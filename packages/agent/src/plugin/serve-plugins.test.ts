import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { lstat, readFile, symlink, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { pino } from "pino";
import { expect, test } from "vitest";
import { EventLog } from "../event-log.ts";
import { createFolder, nodeModule, SOURCES } from "../testing.ts";
import { FRAME, HEADER_BYTES, parseHeader } from "./frames.ts";
import { PluginSession } from "./plugin-session.ts";
import { PluginSessions } from "./plugin-sessions.ts";
import { PluginSink } from "./plugin-sink.ts";
import { PluginSource } from "./plugin-source.ts";
import { servePlugins } from "./serve-plugins.ts";

const ASKING = { version: 1, plan: "nightly", pid: 1 };
const SETUP = { command: "setup", kind: "backup", timestamp: "20261120095538" };

/** A socket with one run of plan `nightly`. */
async function openSocket({ timeoutMs = 10_000 } = {}) {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await createFolder());
  const path = join(folder.path, "plugin.sock");
  const sessions = new PluginSessions("sdw1", pino({ level: "silent" }), timeoutMs);
  const events = new EventLog();
  const session = new PluginSession({ run: "20260101000000", plan: "nightly" }, events);
  sessions.add("nightly", session);
  const served = stack.use(await servePlugins(path, sessions));
  const kept = stack.move();
  return {
    ...{ folder: folder.path, path, sessions, session, events, served },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** All that is answered to a process that says this, and stays. */
async function ask(path: string, words: string | Uint8Array): Promise<Answer> {
  const socket = connect(path);
  socket.on("error", () => {}); // it is closed while we still write
  socket.write(words);
  return toAnswer(await buffer(socket));
}

interface Answer {
  readonly ok: boolean;
  readonly message: string;
}

function toAnswer(bytes: Buffer): Answer {
  if (bytes.length === 0) return { ok: false, message: "closed without a word" };
  const { type, length } = parseHeader(bytes);
  expect(bytes.length).toBe(HEADER_BYTES + length);
  if (type === FRAME.ok) return { ok: true, message: "" };
  return { ok: false, message: JSON.parse(bytes.subarray(HEADER_BYTES).toString()).message };
}

const line = (changes: { command?: string; [key: string]: unknown } = {}): string => {
  const setup = changes.command === undefined ? SETUP : {};
  return `${JSON.stringify({ ...ASKING, ...setup, ...changes })}\n`;
};

test("a process hears that there is a run of its plan", async () => {
  await using opened = await openSocket();
  expect(await ask(opened.path, line())).toEqual({ ok: true, message: "" });
});

test.each([
  ["no JSON", "hello\n", "not a line of JSON"],
  ["HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "not a line of JSON"],
  ["a number", "7\n", "bad request"],
  ["null", "null\n", "bad request"],
  ["a list", "[]\n", "bad request"],
  ["bytes that are no text", Buffer.concat([Buffer.alloc(99, 0xff), Buffer.from("\n")]), "JSON"],
  ["an unknown plan", line({ plan: "weekly" }), 'agent sdw1: no run of plan "weekly"'],
  ["a plan that is a path", line({ plan: "../x" }), 'no run of plan "../x"'],
  ["a plan that is none", line({ plan: 7 }), "plan: "],
  ["an unknown command", line({ command: "delete" }), "command: "],
  ["a setup without a kind", line({ kind: undefined }), "kind: "],
  ["a setup for a folder", line({ timestamp: "20261120" }), "timestamp: "],
  ["an unknown key", line({ token: "x" }), "token"],
  ["no process", line({ pid: "1" }), "pid: "],
  ["another version", line({ version: 2 }), "speaks version 2"],
  ["a key where none is needed", line({ key: "/x" }), '"key"'],
  ["no key", line({ command: "backup" }), "key: "],
  ["a relative key", line({ command: "backup", key: "a/b" }), 'key "a/b"'],
  ["a key that leads up", line({ command: "backup", key: "/a/../b" }), 'key "/a/../b"'],
  ["a key with a NUL", line({ command: "backup", key: "/a\0" }), "key"],
  ["a key with a line break", line({ command: "backup", key: "/a\nb" }), "key"],
  ["a key without an end", line({ command: "backup", key: `/${"a".repeat(5000)}` }), "key"],
  ["ranges of a backup", line({ command: "backup", key: "/a", ranges: [[0, 1]] }), "ranges"],
  ["a range backwards", line({ command: "restore", key: "/a", ranges: [[2, 1]] }), "range 2 to 1"],
  ["a range of one", line({ command: "restore", key: "/a", ranges: [[2]] }), "ranges.0"],
  ["a range below 0", line({ command: "restore", key: "/a", ranges: [[-1, 1]] }), "ranges.0.0"],
  ["a half offset", line({ command: "restore", key: "/a", ranges: [[0, 1.5]] }), "ranges.0.1"],
  ["a line without an end", "x".repeat(3 * 2 ** 20), "at most"],
  ["random bytes without an end", randomBytes(4 * 2 ** 20).map((byte) => byte | 0x80), "at most"],
])("%s is refused in words, and the next process is served", async (_, words, message) => {
  await using opened = await openSocket();
  const answer = await ask(opened.path, words);
  expect(answer).toEqual({ ok: false, message: expect.stringContaining(message) });
  expect(await ask(opened.path, line())).toMatchObject({ ok: true });
});

test("a process that says nothing, or half a line, is told so and let go", async () => {
  await using opened = await openSocket({ timeoutMs: 50 });
  for (const words of ["", '{"version": 1,']) {
    expect(await ask(opened.path, words)).toMatchObject({
      message: expect.stringContaining("0.05 s"),
    });
  }
});

test("processes that go at once, at any moment, harm nobody", async () => {
  await using opened = await openSocket();
  const backup = line({ command: "backup", key: "/a" });
  for (const words of ["", "{", backup, `${backup}d`, `${backup}d\0\0\0\x05row`]) {
    const socket = connect(opened.path);
    socket.end(words);
    socket.resume();
    await once(socket, "close");
  }
  expect(await ask(opened.path, line())).toMatchObject({ ok: true });
});

test("hundreds of processes at the same moment are all heard", async () => {
  await using opened = await openSocket();
  const answers = await Promise.all(Array.from({ length: 500 }, () => ask(opened.path, line())));
  expect(answers.filter(({ ok }) => ok)).toHaveLength(500);
});

test("hundreds of processes that wait are all told when the run is stopped", async () => {
  await using opened = await openSocket();
  const answers = Array.from({ length: 300 }, (_, index) =>
    ask(opened.path, line({ command: "backup", key: `/${index}` })),
  );
  const events = opened.events.after(0n, new AbortController().signal);
  const keys = new Set<string>();
  while (keys.size < 300) {
    const { value } = await events.next();
    if (value?.event?.$case === "pluginRequest") keys.add(value.event.value.key);
  }
  opened.session.abort("its lease has run out");
  const message = "run 20260101000000 was stopped: its lease has run out";
  expect(await Promise.all(answers)).toEqual(Array(300).fill({ ok: false, message }));
});

test("the agent's end is told to whoever waits", async () => {
  await using opened = await openSocket();
  const answer = ask(opened.path, line({ command: "restore", key: "/a" }));
  await opened.events.after(0n, new AbortController().signal).next();
  await opened.served[Symbol.asyncDispose]();
  expect(await answer).toEqual({ ok: false, message: "the agent is being stopped" });
});

test("nobody but its user may connect, and the socket goes with the agent", async () => {
  await using opened = await openSocket();
  expect((await lstat(opened.path)).mode & 0o777).toBe(0o600);
  await opened.served[Symbol.asyncDispose]();
  await expect(lstat(opened.path)).rejects.toThrow("ENOENT");
});

test("the socket of a live agent is left alone, also under another name of its folder", async () => {
  await using opened = await openSocket();
  await symlink(opened.folder, `${opened.folder}/link`);
  for (const path of [opened.path, `${opened.folder}/link/plugin.sock`]) {
    await expect(servePlugins(path, opened.sessions)).rejects.toThrow("another agent serves it");
  }
  expect(await ask(opened.path, line())).toMatchObject({ ok: true });
});

test("the socket that a killed agent has left is replaced", async () => {
  await using folder = await createFolder();
  const path = join(folder.path, "plugin.sock");
  await using dead = nodeModule(`
    import { PluginSessions } from "${SOURCES}/plugin/plugin-sessions.ts";
    import { servePlugins } from "${SOURCES}/plugin/serve-plugins.ts";
    await servePlugins(${JSON.stringify(path)}, new PluginSessions("sdw1"));
    console.log("listening");
  `);
  await dead.line();
  process.kill(dead.pid, "SIGKILL");
  await dead.exited;
  expect((await lstat(path)).isSocket()).toBe(true);
  await using _served = await servePlugins(
    path,
    new PluginSessions("sdw1", pino({ level: "silent" })),
  );
  expect(await ask(path, line())).toMatchObject({ message: expect.stringContaining("no run") });
});

test("a socket of another program, or a file, is left alone", async () => {
  await using folder = await createFolder();
  const [path, file] = [join(folder.path, "other.sock"), join(folder.path, "file")];
  await using other = nodeModule(`
    import { createServer } from "node:net";
    createServer().listen(${JSON.stringify(path)}, () => console.log("listening"));
  `);
  await other.line();
  await writeFile(file, "text");
  const sessions = new PluginSessions("sdw1", pino({ level: "silent" }));
  await expect(servePlugins(path, sessions)).rejects.toThrow("another process serves it");
  await expect(servePlugins(file, sessions)).rejects.toThrow("something else is there");
  expect(await readFile(file, "utf8")).toBe("text");
});

test("a path that the kernel would cut off is refused, and the limit is said", async () => {
  await using folder = await createFolder();
  const path = join(folder.path, "x".repeat(100));
  const sessions = new PluginSessions("sdw1", pino({ level: "silent" }));
  await expect(servePlugins(path, sessions)).rejects.toMatchObject({
    code: "usage",
    message: expect.stringMatching(/its path has \d+ bytes, and a socket's at most 107$/),
    hint: expect.stringContaining("plugin: {socket: PATH}"),
  });
  const nowhere = servePlugins(join(folder.path, "no/p.sock"), sessions);
  await expect(nowhere).rejects.toThrow("its folder is not there");
});

test.each([
  ["an end with another count", Buffer.from("e\0\0\0\x08\0\0\0\0\0\0\0\x09", "latin1"), "says 9"],
  ["an end without a count", Buffer.from("e\0\0\0\0", "latin1"), "out of turn"],
  ["a frame of an unknown type", Buffer.from("z\0\0\0\0", "latin1"), "out of turn"],
  [
    "a frame that is too large",
    Buffer.from("d\xff\0\0\0", "latin1"),
    "a frame of 4278190080 bytes",
  ],
  ["a failure in words", Buffer.from('f\0\0\0\x0f{"message":"x"}', "latin1"), ": x"],
  ["a failure without words", Buffer.from("f\0\0\0\x03???", "latin1"), "does not say why"],
])("a source that sends %s has failed", async (_, frame, message) => {
  await using opened = await openSocket();
  const request = line({ command: "backup", key: "/a", pid: 7 });
  const data = Buffer.from("d\0\0\0\x04rows", "latin1");
  const answer = ask(opened.path, Buffer.concat([Buffer.from(request), data, frame]));
  answer.catch(() => {}); // the agent's end may break it off
  await opened.events.after(0n, new AbortController().signal).next();
  const plan = { name: "a", pluginRequest: 1, direction: "backup", codec: "none" } as const;
  const source = new PluginSource(opened.session.jobFor(plan));
  const read = async (): Promise<string> => {
    let text = "";
    for await (const chunk of source.chunks(new AbortController().signal)) text += chunk;
    return text;
  };
  await expect(read()).rejects.toThrow(message);
});

/** A job for a process that says this. */
async function openJob(opened: Opened, changes: { command: string }, words: Uint8Array) {
  const socket = connect(opened.path);
  socket.on("error", () => {});
  socket.write(Buffer.concat([Buffer.from(line({ ...changes, key: "/a" })), words]));
  await opened.events.after(0n, new AbortController().signal).next();
  const direction = changes.command === "backup" ? "backup" : "restore";
  const plan = { name: "a", pluginRequest: 1, direction, codec: "none" } as const;
  return { socket, job: opened.session.jobFor(plan) };
}

type Opened = Awaited<ReturnType<typeof openSocket>>;

test("a process that has its end and says nothing is not waited for once the run is stopped", async () => {
  await using opened = await openSocket();
  const { socket, job } = await openJob(opened, { command: "restore" }, Buffer.alloc(0));
  const stop = new AbortController();
  const sink = new PluginSink(job, stop.signal);
  await sink.write(Buffer.from("rows"));
  const ended = sink.end();
  const heard = socket.iterator({ destroyOnReturn: false }); // it stays
  for await (const bytes of heard) if (bytes.includes(FRAME.end)) break;
  stop.abort(new Error("the run was stopped"));
  await expect(ended).rejects.toThrow("the run was stopped");
  socket.destroy();
});

test("all is well with a request only when its bytes are durable, and only once that is to be said", async () => {
  await using opened = await openSocket();
  const { socket, job } = await openJob(opened, { command: "backup" }, Buffer.alloc(0));
  const answered = buffer(socket);
  await expect(opened.session.answer(1, "")).rejects.toMatchObject({ code: "usage" });
  job.begin(true);
  const approved = opened.session.answer(1, "");
  expect(job.state).toBe("streaming");
  job.taken();
  await approved;
  expect(toAnswer(await answered)).toEqual({ ok: true, message: "" });
});

test.each([
  ["a restore", "restore", true],
  ["a backup that is answered at once", "backup", false],
])("that all is well with %s is not the controller's to say", async (_, command, answerLater) => {
  await using opened = await openSocket();
  const { socket, job } = await openJob(opened, { command }, Buffer.alloc(0));
  job.begin(answerLater);
  await expect(opened.session.answer(1, "")).rejects.toMatchObject({ code: "usage" });
  socket.destroy();
});

test("an approval that waits ends when the run is stopped, and the process hears the failure", async () => {
  await using opened = await openSocket();
  const { socket, job } = await openJob(opened, { command: "backup" }, Buffer.alloc(0));
  job.begin(true);
  const approved = expect(opened.session.answer(1, "")).rejects.toThrow("not all of its bytes");
  opened.session.abort("the target is full");
  await approved;
  expect(toAnswer(await buffer(socket))).toMatchObject({
    message: expect.stringContaining("the target is full"),
  });
});

test("a setup for another backup is refused in words, also while the first goes on", async () => {
  await using opened = await openSocket();
  expect(await ask(opened.path, line())).toMatchObject({ ok: true });
  for (const changes of [{ timestamp: "20261120100000" }, { kind: "restore" }]) {
    expect(await ask(opened.path, line(changes))).toMatchObject({
      message: expect.stringContaining("plan nightly is in use by the backup of 20261120095538"),
    });
  }
  expect(await ask(opened.path, line())).toMatchObject({ ok: true });
});
