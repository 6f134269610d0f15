import type { PenstockError } from "@penstock/common";
import type { Tally } from "@penstock/proto";
import type { StreamSettings } from "./stream.ts";

/** What a host of streams tells about them. */
export interface StreamEvents {
  onOpened(): void;
  onEnded(tally: Tally): void;
  onFailed(error: PenstockError): void;
  /** Restore: all bytes are written and right. Resolves when nobody but the stream holds the pipe. */
  releaseGuard(): Promise<void>;
}

/**
 * Serves the pipes of streams to movers: in this thread or in one of its own. Its port is where
 * they call; 0 is the agent's main one.
 */
export interface StreamHost extends AsyncDisposable {
  readonly port: number;
  /** Streams that are open here. */
  readonly load: number;
  /** Opens our end of a pipe that exists. Throws what opening it throws. */
  open(settings: StreamSettings, events: StreamEvents): Promise<HostedStream>;
}

/** A stream that a host serves. */
export interface HostedStream {
  /** See AgentStream. */
  toolEnded(graceMs: number): void;
  /** Closes our end; in a restore the consumer must be dead by then, or have it all. Repeatable. */
  close(): Promise<void>;
}
