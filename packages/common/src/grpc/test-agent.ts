import { EventEmitter, on } from "node:events";
import type { ServerUnaryCall, sendUnaryData, UntypedServiceImplementation } from "@grpc/grpc-js";
import { AgentClient, AgentService, type DescribeRequest, DescribeResponse } from "@penstock/proto";
import { authorize } from "./authorize.ts";
import { CHANNEL_OPTIONS, type ChannelPeer, createChannelCredentials } from "./channel.ts";
import { createGrpcServer, type GrpcServer } from "./server.ts";
import { fromGrpcError, toGrpcError } from "./status.ts";
import type { TlsMaterial } from "./tls-material.ts";

/** Somebody who was turned away, and why. */
interface Refusal {
  readonly address: string;
  readonly reason: string;
}

/** A server at port 0 whose Describe tells controllers and movers of its cluster who they are. */
export interface TestAgent extends AsyncDisposable {
  readonly server: GrpcServer;
  readonly port: number;
  /** The next one. */
  refusal(): Promise<Refusal>;
}

/** Starts one; `handlers` replaces or adds methods of the Agent service. */
export async function startTestAgent(
  material: TlsMaterial,
  handlers: UntypedServiceImplementation = {},
): Promise<TestAgent> {
  const events = new EventEmitter();
  const refusals = on(events, "refused") as AsyncIterator<[Refusal]>;
  const server = createGrpcServer(material, {
    onRefused: (address, reason) => void events.emit("refused", { address, reason }),
  });
  server.addService(AgentService, { describe: describeCaller(material), ...handlers });
  return {
    server,
    port: await server.bind("127.0.0.1:0"),
    refusal: async () => (await refusals.next()).value[0],
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Calls Describe over a connection of its own; throws as `fromGrpcError` says. */
export async function describeAt(
  address: string,
  material: TlsMaterial,
  peer: ChannelPeer = {},
): Promise<DescribeResponse> {
  const client = new AgentClient(
    address,
    createChannelCredentials(material, peer),
    CHANNEL_OPTIONS,
  );
  try {
    return await new Promise((resolve, reject) => {
      client.describe({ protocol: undefined }, (error, response) =>
        error === null ? resolve(response) : reject(fromGrpcError(error, `agent a1 (${address})`)),
      );
    });
  } finally {
    client.close();
  }
}

function describeCaller({ identity: { cluster } }: TlsMaterial) {
  return (
    call: ServerUnaryCall<DescribeRequest, DescribeResponse>,
    callback: sendUnaryData<DescribeResponse>,
  ): void => {
    try {
      const { name } = authorize(call, { cluster, roles: ["controller", "mover"] });
      callback(null, DescribeResponse.fromPartial({ name, cluster }));
    } catch (thrown) {
      callback(toGrpcError(thrown));
    }
  };
}
