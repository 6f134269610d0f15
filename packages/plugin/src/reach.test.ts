import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { reach } from "./reach.ts";

/** An agent that lets one connection wait, and is too busy to take any. */
async function openBusyAgent() {
  const folder = await mkdtemp(join(tmpdir(), "penstock-reach-"));
  const path = join(folder, "s");
  const source = `
    const server = require("node:net").createServer(() => {});
    server.listen({ path: process.argv[1], backlog: 1 }, () => console.log("listening"));
  `;
  const child = spawn(process.execPath, ["-e", source, path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  child.kill("SIGSTOP");
  return {
    path,
    goOn: () => child.kill("SIGCONT"),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await once(child, "exit");
      await rm(folder, { recursive: true });
    },
  };
}

/** Connects until the system has no place more. */
async function fill(path: string): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (;;) {
    const socket = connect(path);
    sockets.push(socket);
    try {
      await once(socket, "connect");
    } catch (error) {
      expect(error).toMatchObject({ code: "EAGAIN" });
      return sockets;
    }
  }
}

test("an agent with a full queue is tried again until it takes connections", async () => {
  await using agent = await openBusyAgent();
  const waiting = await fill(agent.path);
  const reached = Promise.all(Array.from({ length: 50 }, () => reach(agent.path)));
  agent.goOn();
  const sockets = [...waiting, ...(await reached)];
  for (const socket of sockets) socket.destroy();
});

test("where nobody listens nothing is tried again, and it is said where that is", async () => {
  await expect(reach("/nowhere/plugin.sock")).rejects.toThrow(
    "cannot reach penstock-agent at /nowhere/plugin.sock: connect ENOENT",
  );
});
