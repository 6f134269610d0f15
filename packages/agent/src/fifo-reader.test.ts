import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CHUNK_BYTES, collect, hasHeadroom } from "@penstock/common";
import { expect, test } from "vitest";
import { makeFifo } from "./fifo.ts";
import { FifoReader } from "./fifo-reader.ts";
import { createFolder, createPipe, nodeModule, SOURCES, shell } from "./testing.ts";

const never = new AbortController().signal;

test("every byte comes, in chunks of bounded size with room before them", async () => {
  await using pipe = await createPipe();
  await using reader = await FifoReader.open(pipe.path);
  await using writer = shell('head -c 20000000 /dev/urandom | tee "$1" | sha256sum', pipe.path);
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for await (const chunk of reader.chunks(never)) {
    expect(hasHeadroom(chunk)).toBe(true);
    expect(chunk.length).toBeLessThanOrEqual(CHUNK_BYTES);
    hash.update(chunk);
    sizeBytes += chunk.length;
  }
  expect(sizeBytes).toBe(20_000_000);
  expect(await writer.line()).toBe(`${hash.digest("hex")}  -`);
});

test("bytes written one by one come whole", async () => {
  await using pipe = await createPipe();
  await using reader = await FifoReader.open(pipe.path);
  const script = 'exec 3>"$1"; for i in 1 2 3 4 5 6 7 8 9; do printf $i >&3; done';
  await using _writer = shell(script, pipe.path);
  expect(String(await collect(reader.chunks(never), 100))).toBe("123456789");
});

test("a chunk stays as it is while later ones are read", async () => {
  await using pipe = await createPipe();
  await using reader = await FifoReader.open(pipe.path);
  await using writer = shell('head -c 8000000 /dev/urandom | tee "$1" | sha256sum', pipe.path);
  const chunks: Uint8Array[] = [];
  for await (const chunk of reader.chunks(never)) chunks.push(chunk);
  const digest = createHash("sha256").update(Buffer.concat(chunks)).digest("hex");
  expect(await writer.line()).toBe(`${digest}  -`);
});

test("a killed writer looks like a finished one, after all its bytes", async () => {
  await using pipe = await createPipe();
  await using reader = await FifoReader.open(pipe.path);
  await using _writer = shell('exec 3>"$1"; echo all >&3; kill -9 $$', pipe.path);
  expect(String(await collect(reader.chunks(never), 100))).toBe("all\n");
});

test("a writer is seen before anybody pulls, also one that writes nothing", async () => {
  for (const script of ['echo x > "$1"', ': > "$1"']) {
    await using pipe = await createPipe();
    await using reader = await FifoReader.open(pipe.path);
    await using _writer = shell(script, pipe.path);
    await reader.opened;
  }
});

test("a pipe that no writer opened fails when none is expected any more", async () => {
  await using pipe = await createPipe();
  await using reader = await FifoReader.open(pipe.path);
  const bytes = collect(reader.chunks(never), 100);
  await Promise.all([
    reader.expectNoWriter(),
    expect(bytes).rejects.toMatchObject({
      code: "not_found",
      message: `fifo ${pipe.path} was never opened by its writer`,
    }),
  ]);
});

test("a file that was written in the place of a pipe is told", async () => {
  await using pipe = await createPipe();
  await using reader = await FifoReader.open(pipe.path);
  const bytes = collect(reader.chunks(never), 100);
  await rm(pipe.path);
  await writeFile(pipe.path, "a dump");
  const message = `fifo ${pipe.path} was never opened by its writer: a regular file is there now, written to disk`;
  await Promise.all([
    reader.expectNoWriter(),
    expect(bytes).rejects.toMatchObject({ code: "not_found", message }),
  ]);
});

test("a writer that came and went unnoticed is not taken for one that never came", async () => {
  for (const script of ["echo x", "true"]) {
    await using pipe = await createPipe();
    await using reader = await FifoReader.open(pipe.path);
    const { stdout } = spawnSync("/bin/sh", ["-c", `${script} | tee "$1"`, "sh", pipe.path]);
    await reader.expectNoWriter();
    expect(String(await collect(reader.chunks(never), 100))).toBe(String(stdout));
  }
});

test("a writer that holds the pipe in silence is still waited for", async () => {
  await using pipe = await createPipe();
  await using reader = await FifoReader.open(pipe.path);
  await using writer = shell('exec 3>"$1"; echo open; read -r go; echo late >&3', pipe.path);
  expect(await writer.line()).toBe("open");
  await reader.expectNoWriter();
  writer.say("go");
  expect(String(await collect(reader.chunks(never), 100))).toBe("late\n");
});

test("an abort closes the pipe at once, and the writer dies of it", async () => {
  await using pipe = await createPipe();
  await using reader = await FifoReader.open(pipe.path);
  await using writer = shell('exec cat /dev/zero > "$1"', pipe.path);
  const abort = new AbortController();
  const reason = new Error("enough");
  const drained = (async () => {
    for await (const _chunk of reader.chunks(abort.signal)) abort.abort(reason);
  })();
  await expect(drained).rejects.toBe(reason);
  expect(await writer.exited).toEqual({ code: null, signal: "SIGPIPE" });
});

test("an abort ends a pull that waits, and a pull after it", async () => {
  await using pipe = await createPipe();
  await using reader = await FifoReader.open(pipe.path);
  const abort = new AbortController();
  const waiting = collect(reader.chunks(abort.signal), 100);
  abort.abort();
  await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
  await expect(collect(reader.chunks(abort.signal), 100)).rejects.toMatchObject({
    name: "AbortError",
  });
});

test("a reader that is disposed of ends a pull that waits, and a writer dies of it", async () => {
  await using pipe = await createPipe();
  const reader = await FifoReader.open(pipe.path);
  await using writer = shell('exec cat /dev/zero > "$1"', pipe.path);
  await reader.opened;
  const chunks = reader.chunks(never)[Symbol.asyncIterator]();
  await reader[Symbol.asyncDispose]();
  expect(await writer.exited).toEqual({ code: null, signal: "SIGPIPE" });
  await chunks.next(); // what was read ahead
  await expect(chunks.next()).rejects.toMatchObject({ code: "failed" });
});

const FILLER = `
import { constants, openSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
const fd = openSync(process.argv[1], constants.O_WRONLY | constants.O_NONBLOCK);
const bytes = Buffer.alloc(65536);
const fill = () => {
  let taken = 0;
  for (;;) {
    try { taken += writeSync(fd, bytes); } catch { return taken; }
  }
};
console.log(fill());
for await (const _line of createInterface({ input: process.stdin })) console.log(fill());
`;

test("while nobody pulls, no more is read than one chunk, and the writer waits", async () => {
  await using pipe = await createPipe();
  await using reader = await FifoReader.open(pipe.path);
  await using writer = nodeModule(FILLER, pipe.path);
  let takenBytes = 0;
  for (let more = Number(await writer.line()); more > 0; more = Number(await writer.line())) {
    takenBytes += more;
    writer.say("more");
  }
  expect(takenBytes).toBeGreaterThan(0);
  expect(takenBytes).toBeLessThanOrEqual(1024 * 1024 + CHUNK_BYTES);
  const chunks = reader.chunks(never)[Symbol.asyncIterator]();
  await chunks.next();
  await chunks.next(); // not read ahead: there is room in the pipe now
  writer.say("more");
  expect(Number(await writer.line())).toBeGreaterThan(0);
});

const IDLE = `
import { randomBytes } from "node:crypto";
import { stat } from "node:fs/promises";
import { promisify } from "node:util";
const { FifoReader } = await import("${SOURCES}/fifo-reader.ts");
const [how, ...paths] = process.argv.slice(1);
const readers = await Promise.all(paths.map((path) => FifoReader.open(path)));
const signal = new AbortController().signal;
const pulls = readers.map((reader) => reader.chunks(signal)[Symbol.asyncIterator]().next());
await Promise.all(paths.map((path) => stat(path)));
await promisify(randomBytes)(16);
if (how === "exit") process.exit(0);
await Promise.all(readers.map((reader) => reader[Symbol.asyncDispose]()));
await Promise.allSettled(pulls);
`;

test.each(["exit", "dispose"])(
  "twenty pipes that are never opened block nothing, and the process ends cleanly: %s",
  async (how) => {
    await using folder = await createFolder();
    const paths = Array.from({ length: 20 }, (_, index) => join(folder.path, `pipe${index}`));
    for (const path of paths) await makeFifo(path, 0o600);
    await using child = nodeModule(IDLE, how, ...paths);
    expect(await child.exited).toEqual({ code: 0, signal: null });
  },
);

test("a pipe that is not there says so", async () => {
  await expect(FifoReader.open("/nowhere/pipe")).rejects.toMatchObject({
    code: "failed",
    message: expect.stringContaining("open fifo /nowhere/pipe: ENOENT"),
  });
});

test("a pipe that is held open outlives its writers, and nothing between them is lost", async () => {
  await using pipe = await createPipe();
  await using reader = await FifoReader.open(pipe.path, { isHeldOpen: true });
  const script =
    'for row in 1 2 3 4 5 6 7 8 9; do echo "$row" >> "$1"; done; exec 3>> "$1"; echo last >&3';
  await using writer = shell(script, pipe.path);
  const bytes = collect(reader.chunks(never), 1000);
  expect(await writer.exited).toEqual({ code: 0, signal: null });
  await reader.opened;
  reader.letEnd();
  reader.letEnd();
  expect(String(await bytes)).toBe("1\n2\n3\n4\n5\n6\n7\n8\n9\nlast\n");
});

test("what fills the pipe of a held reader is read when it may end, if nobody has pulled before", async () => {
  await using pipe = await createPipe();
  await using reader = await FifoReader.open(pipe.path, { isHeldOpen: true });
  await using writer = shell('head -c 60000 /dev/zero > "$1"; printf x > "$1"', pipe.path);
  expect(await writer.exited).toEqual({ code: 0, signal: null });
  reader.letEnd();
  await reader.expectNoWriter();
  const bytes = await collect(reader.chunks(never), 100_000);
  expect([bytes.length, String(bytes.subarray(-1))]).toEqual([60_001, "x"]);
});

test("a pipe that is held open and may end is waited for as long as a writer has it open", async () => {
  await using pipe = await createPipe();
  await using reader = await FifoReader.open(pipe.path, { isHeldOpen: true });
  await using writer = shell('exec 3>"$1"; echo open; read -r go; echo late >&3', pipe.path);
  expect(await writer.line()).toBe("open");
  reader.letEnd();
  await reader.expectNoWriter();
  writer.say("go");
  expect(String(await collect(reader.chunks(never), 100))).toBe("late\n");
});

test("a pipe that was held open, and into which nobody wrote, was never opened", async () => {
  for (const script of ["true", ': > "$1"']) {
    await using pipe = await createPipe();
    await using reader = await FifoReader.open(pipe.path, { isHeldOpen: true });
    await using writer = shell(script, pipe.path);
    await writer.exited;
    const bytes = collect(reader.chunks(never), 100);
    reader.letEnd();
    await expect(bytes).rejects.toMatchObject({
      code: "not_found",
      message: `fifo ${pipe.path} was never opened by its writer`,
    });
  }
});

test("a held pipe that is given up lets its writer go", async () => {
  await using pipe = await createPipe();
  const reader = await FifoReader.open(pipe.path, { isHeldOpen: true });
  await using writer = shell('exec cat /dev/zero > "$1"', pipe.path);
  await reader.opened;
  await reader[Symbol.asyncDispose]();
  expect(await writer.exited).toEqual({ code: null, signal: "SIGPIPE" });
});

test("a pipe whose folder cannot be looked into any more was never opened, and nothing worse", async () => {
  await using folder = await createFolder();
  const [set, path] = [join(folder.path, "set"), join(folder.path, "set/pipe")];
  await mkdir(set);
  await makeFifo(path, 0o600);
  await using reader = await FifoReader.open(path, { isHeldOpen: true });
  await rename(set, `${set}.old`);
  await symlink("set", set); // leads to itself
  reader.letEnd();
  await expect(collect(reader.chunks(never), 10)).rejects.toMatchObject({
    code: "not_found",
    message: `fifo ${path} was never opened by its writer`,
  });
});
