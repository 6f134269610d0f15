import { Client } from "@grpc/grpc-js";
import {
  AGENT_SERVICE,
  CHANNEL_OPTIONS,
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
  /** How often the connection was lost and came back. */
  readonly reconnects: number;
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
  const client = new Client(stream.address, createChannelCredentials(tls), CHANNEL_OPTIONS);
  let reconnects = 0;
  const source = new DialingSource({
    call: () => createClientChannel(openTransfer(client)),
    open: {
      ref: { run: stream.run, token: Buffer.from(stream.token) },
      stream: stream.stream,
      protocol: stream.protocol,
    },
    explain: (error) => explain(error, stream),
    patienceMs: stream.patienceMs,
    onConnected(after) {
      if (after === undefined) return events.onAttached();
      reconnects += 1;
      events.onReconnect(after.message);
    },
  });
  return {
    source,
    get reconnects() {
      return reconnects;
    },
    [Symbol.dispose]: () => client.close(),
  };
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
  const word = isWord ? fromGrpcError(thrown, `stream ${stream} of ${host}`) : undefined;
  if (word instanceof PenstockError && word.code !== "unreachable") return word;
  const error = isWord ? fromGrpcError(thrown, agent) : undefined;
  if (error instanceof PenstockError) return error;
  const { message } = toError(thrown);
  return new PenstockError("unreachable", `${agent}: ${message}`, { cause: thrown });
}
