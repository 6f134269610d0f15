import type { ChannelOptions } from "@grpc/grpc-js";

/** Frames carry at most 1 MiB; what is much larger is not ours, and is refused both ways. */
export const MESSAGE_OPTIONS: Readonly<ChannelOptions> = {
  "grpc.max_receive_message_length": 4 * 1024 * 1024,
  "grpc.max_send_message_length": 4 * 1024 * 1024,
};

/** Either side finds out within 25 s that the other is gone: sooner than a lease of 30 s ends. */
export const KEEPALIVE_OPTIONS: Readonly<ChannelOptions> = {
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 15_000,
  "grpc.keepalive_permit_without_calls": 1,
};
