import { type ChannelCredentials, Client } from "@grpc/grpc-js";
import {
  AGENT_SERVICE,
  CHANNEL_OPTIONS,
  CHUNK_BYTES,
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
  WINDOW_BYTES,
} from "@penstock/common";
import { Gate } from "./gate.ts";
import { type IdleClient, IdleClients } from "./idle-clients.ts";
import type { AgentStream, JobEvents } from "./jobs.ts";

const MIB = 1024 * 1024;

/** A mover's connection to one stream of an agent: a TCP connection that no other stream has meanwhile. */
export interface AgentLink extends Disposable {
  readonly source: ChannelSource;
  /** Its stream has ended well: the connection may serve another. In place of disposing of it. */
  leave(): void;
}

/** So many connections to one agent are made at the same time: more of them would time out together. */
const DIALS_AT_ONCE = 16;

/** What all links of a mover may have under way together, and the bounds of one link's share. */
const SHARED_BYTES = 512 * MIB;
const LEAST_SHARE_BYTES = CHUNK_BYTES;

/** The links of one mover to all its agents. */
export class AgentLinks implements Disposable {
  readonly #credentials: ChannelCredentials;
  readonly #gates: Map<string, Gate> = new Map();
  readonly #idle: Map<string, IdleClients> = new Map();
  #count = 0;

  constructor(tls: TlsMaterial) {
    this.#credentials = createChannelCredentials(tls);
  }

  /** What one link may have under way now, so that any number of them fits into memory. */
  shareBytes(): number {
    const fair = Math.floor(SHARED_BYTES / Math.max(1, this.#count));
    return Math.max(LEAST_SHARE_BYTES, Math.min(WINDOW_BYTES, fair));
  }

  /**
   * Nothing is dialled yet. A connection is never shared between streams: what one stream leaves
   * unread would use up the window of all. But one that a stream has left in good order may serve
   * the next one.
   */
  open(stream: AgentStream, events: JobEvents): AgentLink {
    const idle = this.#idleTo(stream.address);
    let current: IdleClient | undefined;
    let hasBroken = false;
    this.#count += 1;
    // Each call has a connection of its own, too. What breaks while it is being written to, Node does
    // not always notice; the old connection would then be taken for a good one until its keep-alive.
    const call = (): Channel => {
      current?.client.close();
      current = (hasBroken ? undefined : idle.take(this.shareBytes())) ?? this.#dial(stream);
      hasBroken = true; // if this is called again
      return createClientChannel(openTransfer(current.client));
    };
    const end = (how: (client: IdleClient) => void): void => {
      if (!isOpen) return;
      isOpen = false;
      this.#count -= 1;
      if (current !== undefined) how(current);
    };
    let isOpen = true;
    return {
      source: this.#source(stream, call, events),
      leave: () => end((client) => idle.leave(client)),
      [Symbol.dispose]: () => end(({ client }) => client.close()),
    };
  }

  /** Closes connections that nobody has. */
  [Symbol.dispose](): void {
    for (const idle of this.#idle.values()) idle.close();
  }

  #dial({ address }: AgentStream): IdleClient {
    const windowBytes = this.shareBytes();
    const options = { ...CHANNEL_OPTIONS, "grpc-node.flow_control_window": windowBytes };
    return { client: new Client(address, this.#credentials, options), windowBytes };
  }

  #source(stream: AgentStream, call: () => Channel, events: JobEvents): ChannelSource {
    let isAttached = false;
    const dialing = new DialingSource({
      call,
      open: {
        ref: { run: stream.run, token: Buffer.from(stream.token) },
        stream: stream.stream,
        protocol: stream.protocol,
      },
      explain: (error) => explain(error, stream),
      patienceMs: stream.patienceMs,
      onConnected: (after) => {
        // What came before the first connection was no break of the stream, but attempts that failed.
        if (!isAttached) events.onAttached();
        else if (after !== undefined) events.onReconnect(after.message);
        isAttached = true;
      },
    });
    const gate = this.#gateTo(stream.address);
    return {
      clock: dialing.clock,
      next: (ownOffset, signal) => gate.pass(() => dialing.next(ownOffset, signal), signal),
      broken: (error) => dialing.broken(error),
    };
  }

  /** One for each agent: who waits for a host that is gone must not hold up the others. */
  #gateTo(address: string): Gate {
    return known(this.#gates, address, () => new Gate(DIALS_AT_ONCE));
  }

  #idleTo(address: string): IdleClients {
    return known(this.#idle, address, () => new IdleClients());
  }
}

function known<Value>(all: Map<string, Value>, key: string, create: () => Value): Value {
  const value = all.get(key) ?? create();
  all.set(key, value);
  return value;
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
