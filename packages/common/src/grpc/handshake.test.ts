import { once } from "node:events";
import {
  type AddressInfo,
  createConnection,
  createServer,
  type Server as TcpServer,
} from "node:net";
import { connect, createServer as createTlsServer } from "node:tls";
import { credentials } from "@grpc/grpc-js";
import { AgentClient, type DescribeResponse } from "@penstock/proto";
import { beforeAll, describe, expect, test } from "vitest";
import { PenstockError } from "../errors.ts";
import { describeAt, startTestAgent } from "./test-agent.ts";
import { createTestPki, type TestPki } from "./test-pki.ts";
import type { TlsMaterial } from "./tls-material.ts";

/** A certificate that was good for one day, long ago. */
const LONG_AGO = { from: new Date("2020-01-01T00:00:00Z"), days: 1 };

let pki: TestPki;
let stranger: TestPki;
let agent: TlsMaterial;
let controller: TlsMaterial;

beforeAll(async () => {
  [pki, stranger] = await Promise.all([createTestPki(), createTestPki()]);
  [agent, controller] = await Promise.all([pki.issue("agent"), pki.issue("controller")]);
});

/** What a call to `address` fails with. */
async function failure(
  address: string,
  material: TlsMaterial = controller,
): Promise<Pick<PenstockError, "code" | "message" | "hint">> {
  const error: unknown = await describeAt(address, material).catch((thrown: unknown) => thrown);
  if (!(error instanceof PenstockError)) throw new Error(`not refused: ${error}`);
  const { code, message, hint } = error;
  return { code, message, hint };
}

describe("certificates that fit", () => {
  test.each(["controller", "mover"] as const)("a %s of the cluster is let in", async (role) => {
    await using server = await startTestAgent(agent);
    const caller = await pki.issue(role, { name: "somebody" });
    const answer = await describeAt(`127.0.0.1:${server.port}`, caller);
    expect(answer.name).toBe("somebody");
  });

  test("an agent is reached by any address in its certificate", async () => {
    await using server = await startTestAgent(agent);
    for (const host of ["localhost", "127.0.0.1"]) {
      const answer = await describeAt(`${host}:${server.port}`, controller);
      expect(answer.cluster).toBe("warehouse");
    }
  });

  test("a receiver is reached by whoever asks for a mover", async () => {
    await using server = await startTestAgent(await pki.issue("mover"));
    const address = `127.0.0.1:${server.port}`;
    const answer = await describeAt(address, controller, { roles: ["mover"] });
    expect(answer.name).toBe("controller1");
  });
});

describe("a server that is not the agent it should be", () => {
  test("its certificate has expired", async () => {
    await using server = await startTestAgent(await pki.issue("agent", {}, LONG_AGO));
    const address = `127.0.0.1:${server.port}`;
    expect(await failure(address)).toEqual({
      code: "unreachable",
      message: `agent a1 (${address}): its certificate has expired on 2020-01-02T00:00:00Z`,
      hint: "issue a new certificate with `penstock pki issue`",
    });
  });

  test("its certificate is not valid yet", async () => {
    const from = new Date("2100-01-01T00:05:00Z");
    const authority = await createTestPki("warehouse", { days: 36500 });
    await using server = await startTestAgent(await authority.issue("agent", {}, { from }));
    const address = `127.0.0.1:${server.port}`;
    expect(await failure(address, await authority.issue("controller"))).toEqual({
      code: "unreachable",
      message: `agent a1 (${address}): its certificate is not valid before 2100-01-01T00:00:00Z`,
      hint: "compare the clocks of both hosts",
    });
  });

  test("its certificate was issued by another CA", async () => {
    await using server = await startTestAgent(await stranger.issue("agent"));
    const address = `127.0.0.1:${server.port}`;
    expect(await failure(address)).toEqual({
      code: "unreachable",
      message: `agent a1 (${address}): its certificate was issued by another CA`,
      hint: "every host of a cluster needs the same ca.pem",
    });
  });

  test.each(["controller", "mover"] as const)("its certificate is a %s's", async (role) => {
    await using server = await startTestAgent(await pki.issue(role));
    const address = `127.0.0.1:${server.port}`;
    expect((await failure(address)).message).toBe(
      `agent a1 (${address}): its certificate is for role ${role}, agent is needed`,
    );
  });

  test("it belongs to another cluster under the same CA", async () => {
    await using server = await startTestAgent(agent);
    const address = `127.0.0.1:${server.port}`;
    const identity = { ...controller.identity, cluster: "lakehouse" };
    expect((await failure(address, { ...controller, identity })).message).toBe(
      `agent a1 (${address}): its certificate is for cluster warehouse, lakehouse is needed`,
    );
  });

  test("its certificate is for another host", async () => {
    const elsewhere = await pki.issue("agent", { name: "sdw1", addresses: ["192.0.2.1"] });
    await using server = await startTestAgent(elsewhere);
    const address = `localhost:${server.port}`;
    const { message, hint } = await failure(address);
    expect(message).toBe(
      `agent a1 (${address}): its certificate is for sdw1, 192.0.2.1, not for localhost`,
    );
    expect(hint).toContain("--address");
  });
});

describe("a port where no agent is", () => {
  test("nobody listens there", async () => {
    // No system gives this port to somebody who only asks for any.
    expect(await failure("127.0.0.1:1")).toEqual({
      code: "unreachable",
      message: "agent a1 (127.0.0.1:1): connection refused",
      hint: "is an agent running there, and is this its port?",
    });
  });

  test("its name does not resolve", async () => {
    const address = `${"x".repeat(64)}.invalid:7411`; // too long for any name server to be asked
    expect(await failure(address)).toMatchObject({
      code: "unreachable",
      message: `agent a1 (${address}): its name does not resolve`,
    });
  });

  test.each([
    ["an SSH server", "SSH-2.0-OpenSSH_9.2\r\n", "it does not speak TLS"],
    ["an HTTP server", "HTTP/1.1 400 Bad Request\r\n\r\n", "it does not speak TLS"],
    ["a server that hangs up", "", "it closed the connection during the TLS handshake"],
  ])("%s is there", async (_, banner, reason) => {
    await using server = await listen(createServer((socket) => void socket.end(banner)));
    const address = `127.0.0.1:${server.port}`;
    expect((await failure(address)).message).toBe(`agent a1 (${address}): ${reason}`);
  });

  test("a server that says nothing is given up", async () => {
    await using server = await listen(createServer());
    const address = `127.0.0.1:${server.port}`;
    const call = describeAt(address, controller, { handshakeTimeoutMs: 50 });
    await expect(call).rejects.toThrow(`${address}): it does not answer the TLS handshake`);
  });

  test("a web server with a certificate of ours is there", async () => {
    const { cert, key } = agent;
    const options = { cert: Buffer.from(cert), key: Buffer.from(key) };
    await using server = await listen(createTlsServer(options, (socket) => void socket.end()));
    const address = `127.0.0.1:${server.port}`;
    const { message } = await failure(address);
    expect(message).toBe(`agent a1 (${address}): it does not speak HTTP/2`);
  });
});

describe("a client that is turned away", () => {
  const REFUSED = "it refused our certificate";

  test("its certificate has expired", async () => {
    await using server = await startTestAgent(agent);
    const address = `127.0.0.1:${server.port}`;
    const { message, hint } = await failure(address, await pki.issue("controller", {}, LONG_AGO));
    expect(message).toBe(`agent a1 (${address}): ${REFUSED}`);
    expect(hint).toContain("its log says why");
    expect(await server.refusal()).toEqual({
      address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      reason: "controller controller1: its certificate has expired on 2020-01-02T00:00:00Z",
    });
  });

  test("its certificate was issued by another CA", async () => {
    await using server = await startTestAgent(agent);
    const address = `127.0.0.1:${server.port}`;
    const forged = { ...(await stranger.issue("controller")), ca: agent.ca };
    expect((await failure(address, forged)).message).toBe(`agent a1 (${address}): ${REFUSED}`);
    expect((await server.refusal()).reason).toBe(
      "controller controller1: its certificate was issued by another CA",
    );
  });

  test("it shows no certificate", async () => {
    await using server = await startTestAgent(agent);
    const options = { ca: Buffer.from(agent.ca), ALPNProtocols: ["h2"] };
    const socket = connect({ port: server.port, host: "127.0.0.1", ...options });
    await Promise.allSettled([once(socket.resume(), "close")]);
    expect((await server.refusal()).reason).toBe("it shows no certificate");
  });

  test.each([[[]], [["http/1.1"]]])("it speaks no HTTP/2, but %j", async (ALPNProtocols) => {
    await using server = await startTestAgent(agent);
    const { ca, cert, key } = controller;
    const pem = { ca: Buffer.from(ca), cert: Buffer.from(cert), key: Buffer.from(key) };
    const socket = connect({ port: server.port, host: "127.0.0.1", ALPNProtocols, ...pem });
    await Promise.allSettled([once(socket.resume(), "close")]);
    expect((await server.refusal()).reason).toBe("it does not speak HTTP/2");
  });

  test("it speaks an old version of TLS", async () => {
    await using server = await startTestAgent(agent);
    const old = { minVersion: "TLSv1.1", maxVersion: "TLSv1.1" } as const;
    const options = { ca: Buffer.from(agent.ca), ciphers: "DEFAULT@SECLEVEL=0", ...old };
    const socket = connect({ port: server.port, host: "127.0.0.1", ...options });
    await expect(once(socket, "secureConnect")).rejects.toThrow(/protocol version/);
    expect((await server.refusal()).reason).toBe("it speaks a version of TLS before 1.2");
  });

  test("it does not speak TLS", async () => {
    await using server = await startTestAgent(agent);
    using client = plainTextClient(server.port);
    await expect(client.call()).rejects.toThrow("UNAVAILABLE");
    expect((await server.refusal()).reason).toBe("it does not speak TLS");
  });

  test("one that only looks whether the port is open is not worth a line", async () => {
    await using server = await startTestAgent(agent);
    const probe = createConnection(server.port, "127.0.0.1");
    probe.once("connect", () => probe.end()).resume();
    await once(probe, "close");
    using client = plainTextClient(server.port);
    await expect(client.call()).rejects.toThrow("UNAVAILABLE");
    expect((await server.refusal()).reason).toBe("it does not speak TLS");
  });

  test("it is an agent itself", async () => {
    await using server = await startTestAgent(agent);
    const address = `127.0.0.1:${server.port}`;
    expect(await failure(address, agent)).toMatchObject({
      code: "refused",
      message:
        `agent a1 (${address}): certificate of agent1 has role agent; ` +
        "controller or mover is needed",
    });
  });

  test("it belongs to another cluster under the same CA", async () => {
    const identity = { ...agent.identity, cluster: "lakehouse" };
    await using server = await startTestAgent({ ...agent, identity });
    const address = `127.0.0.1:${server.port}`;
    expect((await failure(address)).message).toBe(
      `agent a1 (${address}): certificate of controller1 has cluster warehouse; lakehouse is needed`,
    );
  });
});

function plainTextClient(port: number): Disposable & { call(): Promise<DescribeResponse> } {
  const client = new AgentClient(`127.0.0.1:${port}`, credentials.createInsecure());
  return {
    call: () =>
      new Promise((resolve, reject) => {
        client.describe({ protocol: undefined }, (error, response) =>
          error === null ? resolve(response) : reject(error),
        );
      }),
    [Symbol.dispose]: () => client.close(),
  };
}

async function listen(server: TcpServer): Promise<AsyncDisposable & { readonly port: number }> {
  server.on("connection", (socket) => socket.on("error", () => {}).resume());
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
