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
  /**
   * The next connection. `ownOffset` is the receiver's place; a sender has none and is told one.
   * Throws when there will be no more: an error of the other side, or patience at its end.
   */
  next(ownOffset: number | undefined, signal: AbortSignal): Promise<Connected>;
  /** Why the last connection broke: rethrown here if trying again cannot help. */
  broken(error: unknown): void;
}
