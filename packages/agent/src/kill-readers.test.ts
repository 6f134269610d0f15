import { closeSync, constants, openSync } from "node:fs";
import { link } from "node:fs/promises";
import { expect, test } from "vitest";
import { FifoGuard } from "./fifo-guard.ts";
import { killReaders } from "./kill-readers.ts";
import { createPipe, isWaiting, shell } from "./testing.ts";

test("whoever reads from a pipe is killed, whatever path it has taken, and writers are not", async () => {
  await using pipe = await createPipe();
  await using _guard = await FifoGuard.open(pipe.path);
  await link(pipe.path, `${pipe.path}.2`);
  await using reader = shell('exec cat "$1"', `${pipe.path}.2`);
  await using both = shell('exec 3<>"$1"; echo open; read -r x', pipe.path);
  await using writer = shell('exec 3>"$1"; echo open; read -r x', pipe.path);
  await Promise.all([both.line(), writer.line()]);
  await expect.poll(() => isWaiting(reader.pid)).toBe(true);
  expect((await killReaders([pipe.path])).toSorted()).toEqual([reader.pid, both.pid].toSorted());
  expect(await reader.exited).toEqual({ code: null, signal: "SIGKILL" });
  expect(await both.exited).toEqual({ code: null, signal: "SIGKILL" });
  expect(process.kill(writer.pid, 0)).toBe(true);
});

test("our own descriptors do not count, and nothing is no pipe", async () => {
  await using pipe = await createPipe();
  const fd = openSync(pipe.path, constants.O_RDONLY | constants.O_NONBLOCK);
  expect(await killReaders([pipe.path, "/nowhere/pipe", "/etc/passwd"])).toEqual([]);
  expect(await killReaders([])).toEqual([]);
  closeSync(fd);
});
