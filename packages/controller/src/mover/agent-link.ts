import { Client } from "@grpc/grpc-js";
import {
  AGENT_SERVICE,
  CHANNEL_OPTIONS,
  type Channel,
  type ChannelSource,
  type ClientCall,
  createChannelCredentials,
  createClientChannel,
  DialingSource,
  fromGrpcError,
  PenstockError,
  type TlsMaterial,
  toError,
} from "@penstock/common";
import type { AgentStream, JobEvents } from "./jobs.ts";

/** A mover's connection to one stream of an agent: a TCP connection of its own. */
export interface AgentLink extends Disposable {
  readonly source: ChannelSource;
}

/**
 * Nothing is dialled yet. A connection is never shared between streams: what one stream leaves
 * unread would use up the window of all.
 */
export function createAgentLink(
  stream: AgentStream,
  tls: TlsMaterial,
  events: JobEvents,
): AgentLink {
  const credentials = createChannelCredentials(tls);
  let client: Client | undefined;
  // Each call has a connection of its own, too. What breaks while it is being written to, Node does
  // not always notice; the old connection would then be taken for a good one until its keep-alive.
  const call = (): Channel => {
    client?.close();
    client = new Client(stream.address, credentials, CHANNEL_OPTIONS);
    return createClientChannel(openTransfer(client));
  };
  const source = new DialingSource({
    call,
    open: {
      ref: { run: stream.run, token: Buffer.from(stream.token) },
      stream: stream.stream,
      protocol: stream.protocol,
      adopt: false,
    },
    explain: (error) => explain(error, stream),
    patienceMs: stream.patienceMs,
    onConnected: (after) => {
      if (after === undefined) events.onAttached();
      else events.onReconnect(after.message);
    },
  });
  return { source, [Symbol.dispose]: () => client?.close() };
}

function openTransfer(client: Client): ClientCall {
  const { path, requestSerialize, responseDeserialize } = AGENT_SERVICE.transfer;
  return client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
}

/**
 * What is neither the agent's word nor ours is a broken connection: trying again may help. The
 * agent speaks of the stream; a connection fails with the whole agent.
 */
function explain(thrown: unknown, { host, address, stream }: AgentStream): PenstockError {
  const agent = `agent ${host} (${address})`;
  const isWord =
    thrown instanceof PenstockError || (thrown instanceof Error && "metadata" in thrown);
  if (!isWord) return broken(agent, toError(thrown));
  const word = fromGrpcError(thrown, `stream ${stream} of ${host}`);
  if (word instanceof PenstockError && word.code !== "unreachable") return word;
  const error = fromGrpcError(thrown, agent);
  // A call that we have cut ourselves was silent for too long.
  return error instanceof PenstockError ? error : broken(agent, new Error("it fell silent"));
}

function broken(agent: string, cause: Error): PenstockError {
  return new PenstockError("unreachable", `${agent}: ${cause.message}`, { cause });
}
