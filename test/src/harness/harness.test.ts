import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Child, run } from "./child.ts";
import { freePort } from "./free-port.ts";
import { guardChildren } from "./guard-children.ts";
import { findLeftOvers, untilNothingLeft } from "./left-overs.ts";
import { TempDir } from "./temp-dir.ts";

guardChildren();
const signal = AbortSignal.timeout(60_000);

test("a child that is stopped takes its own children with it", async () => {
  await using child = await Child.start("sh", ["-c", "sleep 1000 & echo up; wait"], {}, signal);
  await child.stdout.waitFor(/up/, signal);
  // The sleep would hold the output open.
  expect(await child.stop()).toMatchObject({ signal: "SIGTERM", stdout: "up\n" });
});

test("a command is stopped when the signal aborts, and its outcome says so", async () => {
  const stopping = new AbortController();
  const onOutput = (): void => stopping.abort();
  const outcome = await run("sh", ["-c", "echo up; sleep 1000"], { onOutput }, stopping.signal);
  expect(outcome).toMatchObject({ status: undefined, signal: "SIGTERM", stdout: "up\n" });
});

test("a program that does not exist is an error, not a crash", async () => {
  await expect(run("/no/such/program", [], {}, signal)).rejects.toThrow("ENOENT");
});

test("waiting for output that never comes ends with the output", async () => {
  await using child = await Child.start("echo", ["something else"], {}, signal);
  await expect(child.stdout.waitFor(/listening/, signal)).rejects.toThrow("something else");
});

test("pipes, folders and tools that are left behind are found", async () => {
  await using temp = await TempDir.create();
  const root = join(temp.path, "root");
  await mkdir(join(root, "set"), { recursive: true });
  const pipe = join(root, "set/app.pipe");
  await run("mkfifo", [pipe], {}, signal);
  await using tool = await Child.start("tail", ["-f", "/dev/null", pipe], {}, signal);
  expect((await findLeftOvers([root])).sort()).toEqual([
    `folder ${join(root, "set")}`,
    `pipe ${pipe}`,
    `process ${tool.pid}: tail -f /dev/null ${pipe}`,
  ]);
  await tool.stop();
  await run("rm", ["-r", join(root, "set")], {}, signal);
  await untilNothingLeft([root], signal);
});

test("a free port is no other caller's, and not one that is listened at", async () => {
  const port = await freePort();
  await using server = createServer().listen(port + 1, "127.0.0.1");
  await once(server, "listening");
  expect(await freePort()).not.toBeOneOf([port, port + 1]);
});
