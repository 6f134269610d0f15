import type { ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import { type DescribeRequest, DescribeResponse } from "@penstock/proto";
import { beforeAll, describe, expect, test } from "vitest";
import { createGrpcServer } from "./server.ts";
import { describeAt, startTestAgent } from "./test-agent.ts";
import { createTestPki } from "./test-pki.ts";
import type { TlsMaterial } from "./tls-material.ts";

type Describe = [
  ServerUnaryCall<DescribeRequest, DescribeResponse>,
  sendUnaryData<DescribeResponse>,
];

let agent: TlsMaterial;
let controller: TlsMaterial;

beforeAll(async () => {
  const pki = await createTestPki();
  [agent, controller] = await Promise.all([pki.issue("agent"), pki.issue("controller")]);
});

/** A server whose Describe is held until it is answered by the test. */
async function startHeld() {
  const calls = Promise.withResolvers<Describe>();
  const server = await startTestAgent(agent, {
    describe: (...call: Describe) => calls.resolve(call),
  });
  const address = `127.0.0.1:${server.port}`;
  const answer = describeAt(address, controller);
  answer.catch(() => {}); // looked at later
  const [, callback] = await calls.promise;
  return { server: server.server, address, answer, callback };
}

describe("a server that drains", () => {
  test("lets calls in flight end, and takes no new ones", async () => {
    const { server, address, answer, callback } = await startHeld();
    const drained = server.drain(new AbortController().signal);
    await expect(describeAt(address, controller)).rejects.toThrow("connection refused");
    callback(null, DescribeResponse.fromPartial({ name: "last" }));
    expect((await answer).name).toBe("last");
    await drained;
    await server[Symbol.asyncDispose]();
  });

  test("cuts calls off when its patience ends", async () => {
    const { server, answer } = await startHeld();
    const patience = new AbortController();
    const drained = server.drain(patience.signal);
    patience.abort(new Error("enough"));
    await expect(drained).rejects.toThrow("enough");
    await expect(answer).rejects.toMatchObject({ code: "unreachable" });
  });
});

describe("a server that aborts", () => {
  test("cuts calls off, which is not taken for a cancellation", async () => {
    const { server, address, answer } = await startHeld();
    server.abort();
    await expect(answer).rejects.toMatchObject({ name: "PenstockError", code: "unreachable" });
    await server[Symbol.asyncDispose]();
    await expect(describeAt(address, controller)).rejects.toThrow("connection refused");
  });

  test("may do so again, and without ever having been bound", async () => {
    await using server = createGrpcServer(agent, { onRefused: () => {} });
    server.abort();
    server.abort();
  });
});

describe("an address to listen at", () => {
  test("that is taken is refused by name", async () => {
    await using first = await startTestAgent(agent);
    await using second = createGrpcServer(agent, { onRefused: () => {} });
    const address = `127.0.0.1:${first.port}`;
    await expect(second.bind(address)).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(`^cannot listen at ${address}: .*address already in use`),
    });
  });

  test("that is none is refused", async () => {
    await using server = createGrpcServer(agent, { onRefused: () => {} });
    await expect(server.bind("7411")).rejects.toMatchObject({ code: "usage" });
  });
});
