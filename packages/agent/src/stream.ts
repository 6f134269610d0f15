import type { Channel, CodecName, FormatName, Pace } from "@penstock/common";
import type { Open, Tally } from "@penstock/proto";

/** How far a stream is. */
export interface Moved {
  /** As the tool writes or reads them. */
  readonly rawBytes: number;
  /** As they cross the network, each counted once. */
  readonly storedBytes: number;
  /** Memory held for bytes that are not acknowledged. */
  readonly heldBytes: number;
  /** What that may come to now. */
  readonly limitBytes: number;
}

/** One stream of a run at the agent: our end of the pipe or file, and the connections of its mover. */
export interface AgentStream extends AsyncDisposable {
  /** A mover has called. It is told what went wrong if the stream has failed. */
  accept(channel: Channel, open: Open): void;
  /**
   * The stream's tool has exited. What is in the pipe is still moved; the stream fails if the pipe
   * was never opened, or stays open in silence for longer than `graceMs`.
   */
  toolEnded(graceMs: number): void;
  /**
   * Backup: no more bytes will come. A pipe that we hold open ourselves ends as soon as nobody else
   * does; to every other source this means nothing. Repeating it is harmless.
   */
  letEnd(): void;
  /** How fast it sends; undefined for a stream that receives. */
  readonly pace: Pace | undefined;
  readonly moved: Moved;
  /** The other end of the pipe was seen. Never rejects. */
  readonly opened: Promise<void>;
  /**
   * Backup: the source has ended and every byte was handed to the sender. Restore: every byte was
   * right and was taken, and the consumer's pipe is closed. Rejects with why neither will be.
   */
  readonly done: Promise<Tally>;
}

/** What a stream is opened from. Plain data: it crosses threads. */
export interface StreamSettings {
  readonly run: string;
  /** The run's secret, which a mover must present. */
  readonly token: Uint8Array;
  readonly name: string;
  /** The pipe or file. */
  readonly path: string;
  readonly direction: "backup" | "restore";
  readonly codec: CodecName;
  /** Backup: what the raw bytes must be; `undefined` is anything. */
  readonly format: FormatName | undefined;
  /** Backup of a pipe: it does not end with its writer; see FifoReader. */
  readonly isHeldOpen: boolean;
}
