import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { request } from "node:http";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { askCancel, askStatus, askThrottle } from "./control-client.ts";
import { serveControl } from "./control-server.ts";
import type { RunFolder } from "./run-folder.ts";
import type { RunSnapshot } from "./run-snapshot.ts";
import { openSocketPath } from "./socket-path.ts";

const never = new AbortController().signal;
const SNAPSHOT: RunSnapshot = {
  ...{ run: "20261120104512", set: "20261120104512", plan: "nightly", cluster: "warehouse" },
  ...{ kind: "backup", pid: 1, startedAt: "2026-11-20T10:45:12.000Z", throttle: null },
  ...{ bytes: 3, rate: 1, eta: null, reconnects: 0, warnings: ["disk π"], streams: [] },
};

/** A run that remembers what it was asked. */
class Steered {
  readonly asked: unknown[] = [];

  snapshot(): RunSnapshot {
    return SNAPSHOT;
  }

  cancel(by: string): void {
    this.asked.push({ by });
  }

  throttle(rate: number | null, by: string): void {
    this.asked.push({ rate, by });
  }
}

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "penstock-"));
});
afterEach(() => rm(dir, { recursive: true }));

async function folderAt(path: string): Promise<RunFolder> {
  await mkdir(path, { recursive: true });
  return { cluster: "warehouse", run: "20261120104512", path };
}

test.each([
  ["usual", "run"],
  ["too long for a socket's address", join("x".repeat(120), "y".repeat(120))],
])("a run in a folder whose path is %s can be watched and steered", async (_, name) => {
  const folder = await folderAt(join(dir, name));
  const run = new Steered();
  await using server = await serveControl(folder, run);
  const { mode } = await stat(join(folder.path, "control.sock"));
  expect(mode & 0o777).toBe(0o600);
  expect(await askStatus(folder, never)).toEqual(SNAPSHOT);
  expect(await askCancel(folder, never)).toBe(true);
  expect(await askThrottle(folder, 1024, never)).toBe(true);
  expect(await askThrottle(folder, undefined, never)).toBe(true);
  const by = expect.stringMatching(/^\S+@\S+$/);
  expect(run.asked).toEqual([{ by }, { rate: 1024, by }, { rate: null, by }]);

  await server[Symbol.asyncDispose]();
  expect(await readdir(folder.path)).toEqual([]);
  expect(await askStatus(folder, never)).toBeUndefined();
  expect(await askCancel(folder, never)).toBe(false);
});

test("a socket that a dead process left is not running, and is replaced", async () => {
  const folder = await folderAt(join(dir, "run"));
  const path = join(folder.path, "control.sock");
  const dead =
    "require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 9))";
  expect(spawnSync(process.execPath, ["-e", dead, path]).signal).toBe("SIGKILL");
  expect(await readdir(folder.path)).toEqual(["control.sock"]);
  expect(await askStatus(folder, never)).toBeUndefined();
  await using _server = await serveControl(folder, new Steered());
  expect(await askStatus(folder, never)).toEqual(SNAPSHOT);
});

test.each([
  ["another path", "GET", "/", ""],
  ["no rate at all", "POST", "/throttle", '{"rate":0,"by":"me"}'],
  ["a rate in words", "POST", "/throttle", '{"rate":"fast","by":"me"}'],
  ["nobody's wish", "POST", "/cancel", "{}"],
  ["a name of two lines", "POST", "/cancel", '{"by":"two\\nlines"}'],
  ["what is no JSON", "POST", "/cancel", "not json"],
  ["too much", "POST", "/cancel", `{"by":"me"${" ".repeat(5_000)}}`],
])("%s is refused, and nothing is done", async (_, method, path, body) => {
  const folder = await folderAt(join(dir, "run"));
  const run = new Steered();
  await using _server = await serveControl(folder, run);
  const asked = request({ socketPath: join(folder.path, "control.sock"), method, path });
  asked.end(body);
  const [response] = await once(asked, "response");
  expect(response.statusCode).toBeGreaterThanOrEqual(400);
  response.resume();
  expect(run.asked).toEqual([]);
  expect(await askStatus(folder, never)).toEqual(SNAPSHOT);
});

/** Answers whoever connects with these bytes. */
async function answering(folder: RunFolder, answer: string): Promise<Server> {
  const server = createServer((socket) => void socket.resume().end(answer));
  server.listen((await openSocketPath(folder)).path);
  await once(server, "listening");
  return server;
}

test("a controller that hangs up without an answer has just ended; nonsense is an error", async () => {
  const folder = await folderAt(join(dir, "run"));
  await using _gone = await answering(folder, "");
  expect(await askStatus(folder, never)).toBeUndefined();
  const other = await folderAt(join(dir, "other"));
  const json = '{"version":2}';
  const head = `HTTP/1.1 200 OK\r\ncontent-length: ${json.length}\r\nconnection: close\r\n\r\n`;
  await using _newer = await answering(other, head + json);
  await expect(askStatus(other, never)).rejects.toThrow("its controller is of another version");
});
