import type { Client } from "@grpc/grpc-js";

/** So long a connection waits for another stream: then its other end, too, has better use for its memory. */
const IDLE_MS = 5_000;
/** As many as a host may have plugin processes at a time; more are closed. */
const MOST_IDLE = 32;

/** A connection that carries nothing now. */
export interface IdleClient {
  readonly client: Client;
  /** What it may have under way; see `AgentLinks.shareBytes`. */
  readonly windowBytes: number;
}

/**
 * Connections to one agent that their streams have left in good order, for the next ones: of thousands
 * of small streams, one after the other, most need not make a connection of their own. Never has one two
 * streams at a time.
 */
export class IdleClients {
  readonly #idle: Map<IdleClient, NodeJS.Timeout> = new Map();

  /** One whose window is about as large as a new one's would be, and no larger. */
  take(shareBytes: number): IdleClient | undefined {
    for (const [idle, timer] of this.#idle) {
      if (idle.windowBytes > shareBytes || idle.windowBytes * 2 < shareBytes) continue;
      clearTimeout(timer);
      this.#idle.delete(idle);
      return idle;
    }
    return undefined;
  }

  /** Closes it if nobody takes it soon. */
  leave(idle: IdleClient): void {
    if (this.#idle.size >= MOST_IDLE) {
      idle.client.close();
      return;
    }
    const close = (): void => {
      this.#idle.delete(idle);
      idle.client.close();
    };
    this.#idle.set(idle, setTimeout(close, IDLE_MS).unref());
  }

  /** Closes all. */
  close(): void {
    for (const [{ client }, timer] of this.#idle) {
      clearTimeout(timer);
      client.close();
    }
    this.#idle.clear();
  }
}
