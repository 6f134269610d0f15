import type { Clock } from "../clock.ts";
import type { Channel } from "./channel.ts";

/** A connection that both sides have agreed on. */
export interface Connected {
  readonly channel: Channel;
  /** The first stored byte to be sent on it. */
  readonly offset: number;
}

/**
 * Where the connections of one stream come from, one after another. The mover dials; the agent
 * waits to be called. Whoever uses a connection asks for the next when it breaks.
 */
export interface ChannelSource {
  /** By which silence on its connections is measured. */
  readonly clock: Clock;
  /** An agent's: it waits for the tool's side of the pipe now, and for nobody else. */
  readonly isWaitingForTool?: () => boolean;
  /**
   * The next connection. `ownOffset` is the receiver's place. A sender has none and is told one, and
   * so is a receiver that takes over from one that is dead: the first byte it did not acknowledge.
   * Throws when there will be no more: an error of the other side, or patience at its end.
   */
  next(ownOffset: number | undefined, signal: AbortSignal): Promise<Connected>;
  /** Why the last connection broke: rethrown here if trying again cannot help. */
  broken(error: unknown): void;
}
