import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { frameHeader } from "./frames.ts";
import { Link } from "./link.ts";

const FAILED = Buffer.from('{"code":"not_found","message":"no such set","hint":"look"}');

/** A link to an agent that does this. */
async function openLink(play: (socket: Socket) => void) {
  const folder = await mkdtemp(join(tmpdir(), "penstock-link-"));
  const path = join(folder, "s");
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    play(socket);
  });
  server.listen(path);
  await once(server, "listening");
  return {
    link: await Link.open(path, { plan: "nightly", command: "restore", key: "/x" }),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await rm(folder, { recursive: true });
    },
  };
}

test("bytes and words arrive whole, however they are cut", async () => {
  const said = Buffer.concat([
    ...[frameHeader(0x64, 4), Buffer.from("rows"), frameHeader(0x64, 2), Buffer.from("s\n")],
    ...[frameHeader(0x66, FAILED.length), FAILED],
  ]);
  await using opened = await openLink((socket) => {
    socket.setNoDelay();
    for (const byte of said) socket.write(Buffer.of(byte));
  });
  let text = "";
  while (text.length < 6) text += (await opened.link.next()).payload;
  expect(text).toBe("rowss\n");
  await expect(opened.link.next()).rejects.toMatchObject({
    message: "no such set\nhint: look",
    code: "not_found",
  });
});

test.each([
  ["closes at once", (socket: Socket) => void socket.destroy()],
  ["ends without a word", (socket: Socket) => socket.end()],
  ["breaks off in a head", (socket: Socket) => socket.end(Buffer.of(0x64, 0))],
  ["breaks off in words", (socket: Socket) => socket.end(frameHeader(0x66, 9))],
])("an agent that %s has not said that all is well", async (_, play) => {
  await using opened = await openLink(play);
  await expect(opened.link.done()).rejects.toThrow("has closed the connection");
});

test("anything but that all is well is not that", async () => {
  await using opened = await openLink((socket) => socket.write(frameHeader(0x65, 0)));
  await expect(opened.link.done()).rejects.toThrow("spoke out of turn");
});
