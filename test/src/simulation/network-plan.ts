/** From a moment to another. */
export interface Period {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Nothing gets through for a while; what was under way comes afterwards, in its order. */
export interface Partition extends Period {
  /** From the mover to the agent, from the agent to the mover, or both. */
  readonly direction: "there" | "back" | "both";
}

/** A connection that breaks: what is under way is lost. */
export interface Cut {
  /** Of the messages of that connection, either way. */
  readonly afterMessages: number;
  /** When the sides hear of it; `undefined` is never. */
  readonly clientHearsMs: number | undefined;
  readonly serverHearsMs: number | undefined;
}

/** What is wrong with the network. Times are of the virtual clock. */
export interface NetworkPlan {
  readonly leastDelayMs: number;
  readonly mostDelayMs: number;
  /** Chance that a connection is ten to a hundred times slower than the others, and overtaken. */
  readonly slowChance: number;
  readonly capacity: number;
  readonly partitions: readonly Partition[];
  /** When nobody listens on the agent's port. */
  readonly refusals: readonly Period[];
  /** For the first connection, the second, and so on. */
  readonly cuts: readonly (Cut | undefined)[];
  /** The number of the message in which a bit flips. */
  readonly corruptedMessage: number | undefined;
}
