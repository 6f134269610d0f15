import type { BytesPerSecond, PenstockError } from "@penstock/common";
import type { Tally } from "@penstock/proto";
import type { StreamSettings } from "./stream.ts";
import type { StreamNumbers } from "./stream-numbers.ts";

/** What a host of streams tells about them. */
export interface StreamEvents {
  onOpened(): void;
  /** The mover has called again: its connection was lost. */
  onCalledAgain(): void;
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
  /** What its streams came to. Never rejects, and takes two seconds at most. */
  numbers(): Promise<StreamNumbers>;
  /** Opens our end of a pipe that exists. Throws what opening it throws. */
  open(settings: StreamSettings, events: StreamEvents): Promise<HostedStream>;
}

/** A stream that a host serves. */
export interface HostedStream {
  /** See AgentStream. */
  toolEnded(graceMs: number): void;
  /** See AgentStream. */
  letEnd(): void;
  /** How fast a stream from this host goes from now on; `undefined` is as fast as it can. */
  setPace(rate: BytesPerSecond | undefined): void;
  /** Closes our end; in a restore the consumer must be dead by then, or have it all. Repeatable. */
  close(): Promise<void>;
}
