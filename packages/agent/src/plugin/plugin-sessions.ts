import { PenstockError, toPenstockError } from "@penstock/common";
import type { Logger } from "pino";
import type { PluginConnection } from "./plugin-connection.ts";
import { parsePluginRequest, type SetupRequest, type StreamRequest } from "./plugin-request.ts";

/** A process that is busy starts in less; one that says nothing has lost its way. */
const REQUEST_TIMEOUT_MS = 10_000;

/** A run that plugin processes may use. */
export interface PluginReceiver {
  /** Throws `locked` if it is there for another backup or restore. */
  setUp(request: SetupRequest): void;
  /** Takes over a process that hands over or wants bytes, and answers it. */
  receive(request: StreamRequest, connection: PluginConnection): void;
}

/** The runs of this host that plugin processes may use, by plan; and what the processes ask. */
export class PluginSessions {
  readonly #host: string;
  readonly #log: Logger;
  readonly #timeoutMs: number;
  readonly #open: Map<string, PluginReceiver> = new Map();
  /** How the last run of each plan was stopped, for processes that come too late. */
  readonly #stopped: Map<string, string> = new Map();

  constructor(host: string, log: Logger, timeoutMs: number = REQUEST_TIMEOUT_MS) {
    this.#host = host;
    this.#log = log;
    this.#timeoutMs = timeoutMs;
  }

  /** From now on processes that name this plan are the run's. A plan has one run at a time. */
  add(plan: string, run: PluginReceiver): void {
    this.#open.set(plan, run);
    this.#stopped.delete(plan);
  }

  /** `stopped` says why, unless it has ended well. Nothing happens if another run has taken its place. */
  remove(plan: string, run: PluginReceiver, stopped?: string): void {
    if (this.#open.get(plan) !== run) return;
    this.#open.delete(plan);
    if (stopped !== undefined) this.#stopped.set(plan, stopped);
  }

  /** Hears what a process wants, and sees to it that it is answered. Never rejects. */
  async serve(connection: PluginConnection): Promise<void> {
    try {
      const line = await connection.request(this.#timeoutMs);
      if (line === undefined) return connection.destroy();
      const request = parsePluginRequest(line);
      const run = this.#find(request.plan);
      if (request.command !== "setup") return run.receive(request, connection);
      run.setUp(request);
      connection.succeed();
    } catch (thrown) {
      const error = toPenstockError(thrown, "plugin request");
      this.#log.warn({ reason: error.message }, "plugin process refused");
      connection.fail(error);
    }
  }

  /** A process could not even be heard: it will be told so by its connection. */
  failedToAccept(error: Error): void {
    this.#log.error({ err: error }, "cannot take the connection of a plugin process");
  }

  #find(plan: string): PluginReceiver {
    const run = this.#open.get(plan);
    if (run !== undefined) return run;
    const message = `agent ${this.#host}: no run of plan ${JSON.stringify(plan)} takes gpbackup's data`;
    const stopped = this.#stopped.get(plan);
    if (stopped !== undefined) throw new PenstockError("not_found", `${message}; ${stopped}`);
    throw new PenstockError("not_found", message, {
      hint: "was it ended meanwhile? see penstock list; the plugin's option plan: names the plan",
    });
  }
}
