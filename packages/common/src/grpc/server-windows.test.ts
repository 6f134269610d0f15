import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { AgentClient, type TransferMessage } from "@penstock/proto";
import { beforeAll, describe, expect, test } from "vitest";
import { CHANNEL_OPTIONS, createChannelCredentials } from "./channel.ts";
import { WINDOW_BYTES } from "./server-windows.ts";
import { startTestAgent } from "./test-agent.ts";
import { createTestPki } from "./test-pki.ts";
import type { TlsMaterial } from "./tls-material.ts";

const MIB = 1024 * 1024;

let agent: TlsMaterial;
let mover: TlsMaterial;

beforeAll(async () => {
  const pki = await createTestPki();
  [agent, mover] = await Promise.all([pki.issue("agent"), pki.issue("mover")]);
});

describe("the windows of a server", () => {
  test("are announced for streams and for the connection", async () => {
    await using server = await startTestAgent(agent);
    const session = connectHttp2(server.port, mover);
    await once(session, "remoteSettings");
    await pingBack(session); // what was sent before the answer has arrived with it
    expect(session.remoteSettings.initialWindowSize).toBe(WINDOW_BYTES);
    expect(session.state.remoteWindowSize).toBe(WINDOW_BYTES);
    session.destroy();
  });

  test("let a client send far more than 64 KiB to a handler that does not read", async () => {
    await using server = await startTestAgent(agent, { transfer: () => {} });
    const address = `127.0.0.1:${server.port}`;
    const client = new AgentClient(address, createChannelCredentials(mover), CHANNEL_OPTIONS);
    const call = client.transfer().on("error", () => {}); // it is cancelled below
    for (let sent = 0; sent < 12 * MIB; sent += MIB) {
      // With HTTP/2's own windows the first of these would never be called back.
      await new Promise((resolve) => call.write(frame(sent, MIB), resolve));
    }
    call.cancel();
    client.close();
  });
});

function frame(offset: number, bytes: number): TransferMessage {
  const value = { offset: BigInt(offset), crc32: 0, data: Buffer.alloc(bytes) };
  return { message: { $case: "frame", value } };
}

function connectHttp2(port: number, { ca, cert, key }: TlsMaterial): ClientHttp2Session {
  const options = { ca: Buffer.from(ca), cert: Buffer.from(cert), key: Buffer.from(key) };
  return connect(`https://127.0.0.1:${port}`, options);
}

function pingBack(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve, reject) => {
    session.ping((error) => (error === null ? resolve() : reject(error)));
  });
}
