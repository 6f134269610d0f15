import type { ChannelOptions } from "@grpc/grpc-js";

/** Frames carry at most 1 MiB; what is much larger is not ours, and is refused both ways. */
export const MESSAGE_OPTIONS: Readonly<ChannelOptions> = {
  "grpc.max_receive_message_length": 4 * 1024 * 1024,
  "grpc.max_send_message_length": 4 * 1024 * 1024,
};

/**
 * Both sides ping every second, so that a client soon hears that it hears nothing: `watchLife`. A server
 * finds out within 16 s that a client is gone: sooner than a lease of 30 s ends.
 */
export const KEEPALIVE_OPTIONS: Readonly<ChannelOptions> = {
  "grpc.keepalive_time_ms": 1_000,
  "grpc.keepalive_timeout_ms": 15_000,
  "grpc.keepalive_permit_without_calls": 1,
};
