import { createSecureContext } from "node:tls";
import type { ChannelCredentials, ChannelOptions } from "@grpc/grpc-js";
import type { Role } from "./identity.ts";
import { KEEPALIVE_OPTIONS, MESSAGE_OPTIONS } from "./options.ts";
import { PeerCredentials } from "./peer-credentials.ts";
import { secure } from "./secure-connection.ts";
import { WINDOW_BYTES } from "./server-windows.ts";
import type { TlsMaterial } from "./tls-material.ts";
import { watchLife } from "./watch-life.ts";

/** The options of every client: pass them to its constructor together with the credentials. */
export const CHANNEL_OPTIONS: Readonly<ChannelOptions> = {
  ...MESSAGE_OPTIONS,
  ...KEEPALIVE_OPTIONS,
  "grpc-node.flow_control_window": WINDOW_BYTES,
  // A connection per client: movers would else share one, and one thread of the agent.
  "grpc.use_local_subchannel_pool": 1,
  // Who calls decides whether to try again: repeating is not harmless for every call.
  "grpc.enable_retries": 0,
  "grpc.initial_reconnect_backoff_ms": 200,
  "grpc.max_reconnect_backoff_ms": 2_000,
  "grpc.dns_min_time_between_resolutions_ms": 2_000,
  // Agents are on our own network: no TXT look-ups there, and no proxy from the environment.
  "grpc.service_config_disable_resolution": 1,
  "grpc.enable_http_proxy": 0,
};

/** Who must be at the other end, and how long its handshake may take. */
export interface ChannelPeer {
  /** Agents, unless said otherwise. Their cluster must be ours in any case. */
  readonly roles?: readonly Role[];
  readonly handshakeTimeoutMs?: number;
}

/**
 * What a client proves itself with, and how it checks the server: our CA, a certificate for the host
 * that was dialled, our cluster, and an agent's role. A call over a connection that does not pass
 * fails with words that `fromGrpcError` understands.
 */
export function createChannelCredentials(
  material: TlsMaterial,
  { roles = ["agent"], handshakeTimeoutMs = 10_000 }: ChannelPeer = {},
): ChannelCredentials {
  const context = createSecureContext({
    ca: Buffer.from(material.ca),
    cert: Buffer.from(material.cert),
    key: Buffer.from(material.key),
    minVersion: "TLSv1.2",
  });
  const peer = { roles, cluster: material.identity.cluster };
  return new PeerCredentials(async (tcp, host) => {
    const socket = await secure(tcp, { context, host, peer, timeoutMs: handshakeTimeoutMs });
    watchLife(socket);
    return socket;
  });
}
