import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Client, type MethodDefinition, type ServiceDefinition } from "@grpc/grpc-js";
import { load } from "@grpc/proto-loader";
import { protoPath as healthProto } from "grpc-health-check";
import { beforeAll, describe, expect, test } from "vitest";
import { CHANNEL_OPTIONS, createChannelCredentials } from "./channel.ts";
import { addStandardServices } from "./reflection.ts";
import { startTestAgent, type TestAgent } from "./test-agent.ts";
import { createTestPki } from "./test-pki.ts";
import type { TlsMaterial } from "./tls-material.ts";

const reflectionProto = join(
  dirname(createRequire(import.meta.url).resolve("@grpc/reflection")),
  "../proto/grpc/reflection/v1/reflection.proto",
);

let agent: TlsMaterial;
let controller: TlsMaterial;

beforeAll(async () => {
  const pki = await createTestPki();
  [agent, controller] = await Promise.all([pki.issue("agent"), pki.issue("controller")]);
});

/** Asks one question as a tool does that knows nothing but a .proto file, and returns the answer. */
async function ask(
  { port }: TestAgent,
  [file, service, method]: readonly [string, string, string],
  question: object,
): Promise<unknown> {
  const definition = (await load(file, { enums: String }))[service] as ServiceDefinition;
  const { path, requestSerialize, responseDeserialize } = definition[method] as MethodDefinition<
    object,
    object
  >;
  const credentials = createChannelCredentials(controller);
  const client = new Client(`127.0.0.1:${port}`, credentials, CHANNEL_OPTIONS);
  try {
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    call.end(question);
    const answers: unknown[] = await call.toArray();
    return answers[0];
  } finally {
    client.close();
  }
}

describe("server reflection", () => {
  const INFO = [
    reflectionProto,
    "grpc.reflection.v1.ServerReflection",
    "ServerReflectionInfo",
  ] as const;

  test("lists our service and the health service", async () => {
    await using server = await startTestAgent(agent);
    await addStandardServices(server.server);
    expect(await ask(server, INFO, { listServices: "" })).toMatchObject({
      listServicesResponse: {
        service: expect.arrayContaining([
          { name: "penstock.v1.Agent" },
          { name: "grpc.health.v1.Health" },
        ]),
      },
    });
  });

  test("describes our calls", async () => {
    await using server = await startTestAgent(agent);
    await addStandardServices(server.server);
    const question = { fileContainingSymbol: "penstock.v1.Agent.Transfer" };
    expect(await ask(server, INFO, question)).toMatchObject({
      fileDescriptorResponse: { fileDescriptorProto: [expect.any(Buffer)] },
    });
  });
});

describe("the health service", () => {
  const CHECK = [healthProto, "grpc.health.v1.Health", "Check"] as const;

  test.each(["", "penstock.v1.Agent"])("says of %j what the server says", async (service) => {
    await using server = await startTestAgent(agent);
    const services = await addStandardServices(server.server);
    expect(await ask(server, CHECK, { service })).toEqual({ status: "SERVING" });
    services.setServing(false);
    expect(await ask(server, CHECK, { service })).toEqual({ status: "NOT_SERVING" });
  });
});
