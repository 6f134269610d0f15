import type { ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import { type DescribeRequest, DescribeResponse } from "@penstock/proto";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { describeAt, startTestAgent } from "./test-agent.ts";
import { createTestPki } from "./test-pki.ts";
import type { TlsMaterial } from "./tls-material.ts";

type Call = ServerUnaryCall<DescribeRequest, DescribeResponse>;
type Answer = sendUnaryData<DescribeResponse>;

let agent: TlsMaterial;
let mover: TlsMaterial;

beforeAll(async () => {
  const pki = await createTestPki();
  [agent, mover] = await Promise.all([pki.issue("agent"), pki.issue("mover")]);
});

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("a channel", () => {
  test("is a connection of its own, even to the same address", async () => {
    const both = Promise.withResolvers<void>();
    const peers = new Set<string>();
    await using server = await startTestAgent(agent, {
      async describe(call: Call, answer: Answer) {
        if (peers.add(call.getPeer()).size === 2) both.resolve();
        await both.promise; // the calls of one connection would wait for each other for ever
        answer(null, DescribeResponse.create());
      },
    });
    const address = `127.0.0.1:${server.port}`;
    await Promise.all([describeAt(address, mover), describeAt(address, mover)]);
    expect(peers.size).toBe(2);
  });

  test("goes straight to the agent, whatever proxy the environment names", async () => {
    vi.stubEnv("grpc_proxy", "http://127.0.0.1:1");
    vi.stubEnv("https_proxy", "http://127.0.0.1:1");
    await using server = await startTestAgent(agent);
    expect((await describeAt(`127.0.0.1:${server.port}`, mover)).name).toBe("mover1");
  });

  test("refuses a message that is much larger than a frame", async () => {
    const large = DescribeResponse.fromPartial({ name: "x".repeat(5 * 1024 * 1024) });
    await using server = await startTestAgent(agent, {
      describe: (_: Call, answer: Answer) => answer(null, large),
    });
    await expect(describeAt(`127.0.0.1:${server.port}`, mover)).rejects.toMatchObject({
      code: "failed",
      message: expect.stringContaining("larger than max"),
    });
  });
});
