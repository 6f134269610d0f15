import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Cancelled } from "../cancelled.ts";
import { LogFile, readLog } from "./log-file.ts";

test("whoever waits for the next line can be interrupted, and is told so", async () => {
  const path = await mkdtemp(join(tmpdir(), "log-file-"));
  const folder = { cluster: "warehouse", run: "20261120104512", path };
  using file = new LogFile(folder, () => {});
  file.write("one\n");
  const abort = new AbortController();
  const reason = new Cancelled("SIGINT");
  const isOver = (): Promise<boolean> => {
    abort.abort(reason); // so that it aborts while it waits
    return Promise.resolve(false);
  };
  const lines: string[] = [];
  const read = async (): Promise<void> => {
    for await (const line of readLog(folder, isOver, abort.signal)) lines.push(line);
  };
  await expect(read()).rejects.toBe(reason);
  expect(lines).toEqual(["one"]);
  await rm(path, { recursive: true });
});
