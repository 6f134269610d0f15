import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer, type TLSSocket } from "node:tls";
import { beforeAll, describe, expect, test } from "vitest";
import { createTestPki, type TestPki } from "./test-pki.ts";
import { watchLife } from "./watch-life.ts";

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});

/** A connection to a server that does with it what it likes. */
async function connectTo(
  serve: (socket: TLSSocket) => void,
): Promise<{ socket: TLSSocket } & AsyncDisposable> {
  const { ca, cert, key } = await pki.issue("agent");
  const server = createServer({ cert: Buffer.from(cert), key: Buffer.from(key) }, serve);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: "127.0.0.1", ca: Buffer.from(ca) });
  await once(socket, "secureConnect");
  return {
    socket,
    async [Symbol.asyncDispose]() {
      socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

describe("a connection that is watched", () => {
  test("is closed when its peer says nothing", async () => {
    await using connection = await connectTo((socket) => socket.on("error", () => {}));
    watchLife(connection.socket, 5);
    await once(connection.socket, "close");
  });

  test("stays while its peer says anything at all", async () => {
    await using connection = await connectTo((socket) => {
      const timer = setInterval(() => socket.write("."), 20);
      socket.on("error", () => {}).once("close", () => clearInterval(timer));
    });
    watchLife(connection.socket, 20); // eight of these without a byte would close it
    for (let heard = 0; heard < 30; heard++) await once(connection.socket, "data");
    expect(connection.socket.destroyed).toBe(false);
  });
});
