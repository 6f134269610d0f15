import { once } from "node:events";
import { AgentClient } from "@penstock/proto";
import { expect, test } from "vitest";
import { CHANNEL_OPTIONS, createChannelCredentials } from "../grpc/channel.ts";
import { createGrpcServer } from "../grpc/server.ts";
import { createTestPki } from "../grpc/test-pki.ts";
import { CHUNK_BYTES, giveBack } from "./block.ts";
import { BlockFiller } from "./block-filler.ts";
import { createServerChannel, type ServerCall } from "./channel.ts";
import { checkFrame, encodeFrame } from "./frame-codec.ts";
import { AGENT_SERVICE } from "./service.ts";

const never = new AbortController().signal;
/** More than the windows of a connection hold, so that the last ones wait in our own process. */
const FRAMES = 100;

test("a frame that waits to be sent stays what it is, though its memory was given back", async () => {
  const pki = await createTestPki();
  const [agent, mover] = await Promise.all([pki.issue("agent"), pki.issue("mover")]);
  const refilled = Promise.withResolvers<void>();
  const transfer = (call: ServerCall): void => {
    try {
      sendAndRefill(call);
      refilled.resolve();
    } catch (error) {
      refilled.reject(error);
    }
  };
  await using server = createGrpcServer(agent, { onRefused: () => {} });
  server.addService({ transfer: AGENT_SERVICE.transfer }, { transfer });
  const address = `127.0.0.1:${await server.bind("127.0.0.1:0")}`;
  const client = new AgentClient(address, createChannelCredentials(mover), CHANNEL_OPTIONS);
  const call = client.transfer();
  call.on("error", () => {});
  await once(call, "metadata");
  await refilled.promise;
  let offset = 0;
  for await (const { message } of call) {
    if (message?.$case !== "frame") throw new Error(`${message?.$case} instead of a frame`);
    offset += checkFrame(message.value, offset).data.length;
    if (offset === FRAMES * CHUNK_BYTES) break;
  }
  client.close();
  expect(offset).toBe(FRAMES * CHUNK_BYTES);
});

/** Sends more than fits, gives all memory back as if it were acknowledged, and fills it with other bytes. */
function sendAndRefill(call: ServerCall): void {
  using filler = new BlockFiller();
  const channel = createServerChannel(call);
  const bytes = Buffer.alloc(CHUNK_BYTES, "sent");
  const chunks = Array.from({ length: FRAMES }, () => filler.copy(bytes));
  for (const [index, chunk] of chunks.entries()) {
    channel.send(encodeFrame(index * CHUNK_BYTES, chunk), never).catch(() => {});
  }
  for (const chunk of chunks) giveBack(chunk);
  for (let i = 0; i < FRAMES; i++) filler.copy(Buffer.alloc(CHUNK_BYTES, "other"));
}
