import { fstatSync, openSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { collect } from "@penstock/common";
import { expect, test } from "vitest";
import { FifoGuard } from "./fifo-guard.ts";
import { openReadEnd, openWriteEnd } from "./fifo-pair.ts";
import { FifoReader } from "./fifo-reader.ts";
import { FifoWriter } from "./fifo-writer.ts";
import { isGroupAlive } from "./process-group.ts";
import { createFolder, createPipe } from "./testing.ts";
import { startTool, type Tool } from "./tool.ts";
import type { ToolSpec } from "./tool-spec.ts";

const never = new AbortController().signal;
const aborted = AbortSignal.abort();
const unwatched = { watch: () => {}, forget: () => {} };

/** It has all the time to hear its signal unless the test says otherwise. */
function script(text: string, more: Partial<ToolSpec> = {}): ToolSpec {
  const given = { name: "dump", path: "/bin/sh", args: ["-c", text, "sh"], env: {} };
  return { ...given, stopGraceMs: 60_000, ...more };
}

function start(text: string, more: Partial<ToolSpec> = {}): Promise<Tool> {
  return startTool(script(text, more), unwatched);
}

test("a tool's exit status and its last words are told", async () => {
  await using tool = await start("echo fine; echo one >&2; printf two >&2; exit 3");
  expect(await tool.exited).toEqual({ exitCode: 3, stderrTail: "one\ntwo", stdoutTail: "fine" });
});

test("a tool may open its standard error and output by name", async () => {
  await using tool = await start("echo one > /dev/stderr && echo two > /dev/stdout");
  expect(await tool.exited).toEqual({ exitCode: 0, stderrTail: "one", stdoutTail: "two" });
});

test("a tool that is killed is told by the signal's name", async () => {
  await using tool = await start("kill -9 $$");
  expect(await tool.exited).toEqual({ signal: "SIGKILL", stderrTail: "", stdoutTail: "" });
});

test("a tool that says a lot never waits for us, and only its last lines are kept", async () => {
  const lines: string[] = [];
  await using tool = await start("seq 200000 >&2", { onLine: (line) => lines.push(line) });
  const { exitCode, stderrTail } = await tool.exited;
  expect(exitCode).toBe(0);
  expect(stderrTail.split("\n")).toHaveLength(50);
  expect(stderrTail.endsWith("199999\n200000")).toBe(true);
  const leftOut = lines.map((line) => Number(/^\((\d+) lines left out\)$/.exec(line)?.[1] ?? 0));
  const passed = leftOut.filter((count) => count === 0).length;
  expect(passed).toBeLessThan(10_000);
  expect(leftOut.reduce((sum, count) => sum + count, passed)).toBe(200_000);
});

test("a grandchild that holds the output open does not keep the exit from being told", async () => {
  await using tool = await start("sleep 1000 & echo bye >&2; exit 5");
  expect(await tool.exited).toMatchObject({ exitCode: 5, stderrTail: "bye" });
  expect(isGroupAlive(tool.pid)).toBe(true);
  await tool.kill();
  expect(isGroupAlive(tool.pid)).toBe(false);
});

test("a tool reads nothing and sees only a small environment, in a group of its own", async () => {
  const text = 'cat; env | cut -d= -f1 | sort | tr "\\n" " "; pwd; cut -d" " -f5 /proc/$$/stat';
  await using tool = await start(text, { env: { PGPORT: "5433" } });
  const { stdoutTail } = await tool.exited;
  const [environment, group] = stdoutTail.split("\n");
  const allowed = /^(?:PATH|HOME|USER|LOGNAME|LANG|LC_[A-Z]+|TZ|PWD|OLDPWD|SHLVL|_|PGPORT)$/;
  const [folder, ...names] = environment?.split(" ").toReversed() ?? [];
  expect(folder).toBe("/");
  expect(names).toEqual(expect.arrayContaining(["PATH", "PGPORT"]));
  expect(names.filter((name) => !allowed.test(name))).toEqual([]);
  expect(group).toBe(`${tool.pid}`);
});

test("a program that is not there or not executable is refused by name", async () => {
  await using folder = await createFolder();
  const path = join(folder.path, "tool");
  await expect(start("", { path })).rejects.toMatchObject({
    code: "failed",
    message: `start tool dump: ${path}: no such program`,
  });
  await writeFile(path, "");
  await expect(start("", { path })).rejects.toMatchObject({
    code: "failed",
    message: `start tool dump: ${path}: not an executable program`,
  });
});

test("what cannot be passed to a process is refused, and no value is told", async () => {
  const cases: [Partial<ToolSpec>, string][] = [
    [{ args: ["a", "b\0c"] }, "tool dump: argument 2 contains a NUL byte"],
    [{ env: { PASSWORD: "sec\0ret" } }, "tool dump: variable PASSWORD contains a NUL byte"],
    [{ env: { "A=B": "x" } }, 'tool dump: "A=B" cannot name a variable'],
    [{ stopSignal: "SIGFOO" }, "tool dump: there is no signal SIGFOO"],
  ];
  for (const [more, message] of cases) {
    await expect(start("", more)).rejects.toMatchObject({ code: "usage", message });
  }
});

test("descriptors given to a tool are closed here, whether it starts or not", async () => {
  for (const path of ["/bin/true", "/nowhere/true"]) {
    const [stdin, stdout] = [openSync("/dev/null", "r"), openSync("/dev/null", "w")];
    const tool = await start("", { path, stdin, stdout }).catch(() => undefined);
    for (const fd of [stdin, stdout]) expect(() => fstatSync(fd)).toThrow("EBADF");
    await tool?.[Symbol.asyncDispose]();
  }
});

test("stop asks with the tool's own signal and waits for its end", async () => {
  const text = 'trap "exit 7" INT; trap "" TERM; echo ready; while :; do sleep 0.01; done';
  const ready = Promise.withResolvers<void>();
  await using tool = await start(text, { stopSignal: "SIGINT", onLine: () => ready.resolve() });
  await ready.promise;
  await tool.stop(never);
  expect(await tool.exited).toMatchObject({ exitCode: 7 });
  await tool.stop(never);
});

test.each([
  ["its grace is over", { stopGraceMs: 1 }, never],
  ["the caller is in a hurry", {}, aborted],
])("a tool that ignores its signal is killed when %s, children too", async (_, more, signal) => {
  const ready = Promise.withResolvers<void>();
  const text = 'trap "" TERM; sleep 1000 & echo ready; while :; do sleep 1000; done';
  await using tool = await start(text, { ...more, onLine: () => ready.resolve() });
  await ready.promise;
  await tool.stop(signal);
  expect(isGroupAlive(tool.pid)).toBe(false);
  expect(await tool.exited).toMatchObject({ signal: "SIGKILL" });
});

test("a stopped process is killed all the same", async () => {
  const ready = Promise.withResolvers<void>();
  const text = 'trap "" TERM; echo ready; kill -s STOP $$';
  await using tool = await start(text, { onLine: () => ready.resolve() });
  await ready.promise;
  await tool.stop(aborted);
  expect(await tool.exited).toMatchObject({ signal: "SIGKILL" });
});

test("children that outlive a tool are found when it is stopped", async () => {
  await using tool = await start("sleep 1000 >/dev/null 2>&1 &");
  expect(await tool.exited).toMatchObject({ exitCode: 0 });
  await tool.stop(never);
  expect(isGroupAlive(tool.pid)).toBe(false);
});

test("children that outlive a tool and ignore its stop signal are killed when their grace is over", async () => {
  await using tool = await start("trap '' TERM; sleep 1000 > /dev/null 2>&1 & exit 0", {
    stopGraceMs: 200,
  });
  await tool.exited;
  await tool.stop(never);
  expect(isGroupAlive(tool.pid)).toBe(false);
});

test("the watch learns of a group at its start and of its end", async () => {
  const told: string[] = [];
  const gone = Promise.withResolvers<void>();
  const watch = {
    watch: (group: number) => void told.push(`watch ${group}`),
    forget: (group: number) => {
      told.push(`forget ${group}`);
      gone.resolve();
    },
  };
  await using tool = await startTool(script("read -r x"), watch);
  await gone.promise;
  await tool.kill();
  expect(told).toEqual([`watch ${tool.pid}`, `forget ${tool.pid}`]);
});

test("what a tool writes to its standard output comes through a private pipe", async () => {
  await using pipe = await createPipe();
  await using reader = await FifoReader.open(pipe.path);
  await using tool = await start("echo bytes; echo words >&2", { stdout: openWriteEnd(pipe.path) });
  expect(String(await collect(reader.chunks(never), 100))).toBe("bytes\n");
  expect(await tool.exited).toEqual({ exitCode: 0, stderrTail: "words", stdoutTail: "" });
});

test("opening a private pipe without our reader does not wait; its tool dies at once", async () => {
  await using pipe = await createPipe();
  await using tool = await start("exec cat /dev/zero", { stdout: openWriteEnd(pipe.path) });
  expect(await tool.exited).toMatchObject({ signal: "SIGPIPE" });
});

test("a tool reads its standard input from a private pipe, up to the end we make", async () => {
  await using pipe = await createPipe();
  await using guard = await FifoGuard.open(pipe.path);
  await using tool = await start("exec sha256sum", { stdin: openReadEnd(guard) });
  await using writer = await FifoWriter.open(pipe.path, never);
  await writer.write(Buffer.from("abc"));
  await guard.release();
  await writer.end();
  expect(await tool.exited).toMatchObject({
    exitCode: 0,
    stdoutTail: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  -",
  });
});

test("a tool that is stopped alone ends before its children, which are killed and hear no signal", async () => {
  await using folder = await createFolder();
  const told = join(folder.path, "told");
  const ready = Promise.withResolvers<void>();
  const child = `trap "echo TERM >> ${told}" TERM; echo ready; while :; do sleep 0.01; done`;
  const text = `trap "echo parent >> ${told}; exit 2" TERM; (${child}) & wait`;
  await using tool = await start(text, { stopAlone: true, onLine: () => ready.resolve() });
  await ready.promise;
  await tool.stop(never);
  expect(await tool.exited).toMatchObject({ exitCode: 2 });
  expect(isGroupAlive(tool.pid)).toBe(false);
  expect(await readFile(told, "utf8")).toBe("parent\n");
  await tool.stop(never);
});

test("a tool that is stopped alone and does not end is killed with its children", async () => {
  const ready = Promise.withResolvers<void>();
  const text = "trap '' TERM; sleep 1000 & echo ready; wait";
  const more = { stopAlone: true, stopGraceMs: 50, onLine: () => ready.resolve() };
  await using tool = await start(text, more);
  await ready.promise;
  await tool.stop(never);
  expect(await tool.exited).toMatchObject({ signal: "SIGKILL" });
  expect(isGroupAlive(tool.pid)).toBe(false);
});

test("as much of a tool's standard output is kept as was asked for", async () => {
  const stdoutTail = { bytes: 1_000_000, lines: Number.POSITIVE_INFINITY };
  await using tool = await start("seq 1000; seq 1000 >&2", { stdoutTail });
  const { stdoutTail: said, stderrTail } = await tool.exited;
  expect(said.split("\n")).toHaveLength(1000);
  expect(stderrTail.split("\n")).toHaveLength(50);
});
