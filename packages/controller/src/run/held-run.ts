import { setTimeout as delay } from "node:timers/promises";
import {
  abortable,
  hasCode,
  PenstockError,
  type ToolOutcome,
  toPenstockError,
} from "@penstock/common";
import type { RunEvent, RunRef, StreamFailed, ToolExited } from "@penstock/proto";
import type { AgentClient } from "./agent-client.ts";
import type { Reporter } from "./report.ts";

/** How often a lease is renewed; an agent gives up after several of these. */
const RENEW_EVERY_MS = 5_000;
const RETRY_PAUSE_MS = 500;

/** A tool's end as the agent saw it. `name` is the tool's id. */
export type ToolEnd = ToolOutcome & { readonly stderrTail: string };

/** What a HeldRun is made of. */
export interface HeldRunOptions {
  readonly agent: AgentClient;
  readonly ref: RunRef;
  readonly leaseMs: number;
  readonly report: Reporter;
  readonly onStreamFailed: (error: PenstockError) => void;
}

/**
 * One agent's share of a run, as long as we hold it: keeps the lease, follows the events, and hands
 * out what happens. `failed` rejects once the agent is lost or has given up the run.
 */
export class HeldRun {
  readonly agent: AgentClient;
  readonly #ref: RunRef;
  readonly #patienceMs: number;
  readonly #report: Reporter;
  readonly #toolEnds = new Map<string, PromiseWithResolvers<ToolEnd>>();
  readonly #onStreamFailed: (error: PenstockError) => void;
  #lastEvent = 0n;

  constructor({ agent, ref, leaseMs, report, onStreamFailed }: HeldRunOptions) {
    this.agent = agent;
    this.#ref = ref;
    this.#patienceMs = leaseMs;
    this.#report = report;
    this.#onStreamFailed = onStreamFailed;
  }

  /** Holds the run until the signal aborts. Throws when the agent is lost or aborts by itself. */
  async hold(signal: AbortSignal): Promise<void> {
    await Promise.race([this.#renew(signal), this.#follow(signal)]);
  }

  /** The end of a tool, whether it has already been seen or not. */
  toolEnd(toolId: string): Promise<ToolEnd> {
    return this.#endOf(toolId).promise;
  }

  async #renew(signal: AbortSignal): Promise<void> {
    for (;;) {
      await delay(RENEW_EVERY_MS, undefined, { signal });
      await this.#patiently(() => this.agent.renewLease(this.#ref, signal), signal);
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    for (;;) await this.#patiently(() => this.#followOnce(signal), signal);
  }

  async #followOnce(signal: AbortSignal): Promise<void> {
    const events = this.agent.watch(this.#ref, this.#lastEvent, signal);
    for await (const event of abortable(events, signal)) {
      this.#lastEvent = event.number;
      this.#take(event);
    }
    throw new PenstockError("unreachable", `agent ${this.agent.name}: it ended the event stream`);
  }

  /** Tries again while the agent does not answer, up to the lease. */
  async #patiently(action: () => Promise<void>, signal: AbortSignal): Promise<void> {
    let lastEvent = this.#lastEvent;
    let since = performance.now();
    for (;;) {
      try {
        await action();
        break;
      } catch (error) {
        signal.throwIfAborted();
        if (!hasCode(error, "unreachable")) throw this.#explained(error);
        if (lastEvent !== this.#lastEvent) since = performance.now();
        lastEvent = this.#lastEvent;
        if (performance.now() - since > this.#patienceMs) throw error;
      }
      await delay(RETRY_PAUSE_MS, undefined, { signal });
    }
  }

  #explained(error: unknown): PenstockError {
    if (!hasCode(error, "not_found")) return toPenstockError(error, `agent ${this.agent.name}`);
    const message = `agent ${this.agent.name} no longer knows the run: it was restarted, or the lease ran out`;
    return new PenstockError("failed", message, { cause: error });
  }

  #take({ event }: RunEvent): void {
    switch (event?.$case) {
      case "toolExited":
        this.#endOf(event.value.toolId).resolve(toToolEnd(event.value));
        break;
      case "runAborted":
        throw new PenstockError(
          "failed",
          `agent ${this.agent.name} gave up the run: ${event.value.reason}`,
        );
      case "streamFailed":
        this.#onStreamFailed(toStreamError(this.agent.name, event.value));
        break;
      case "log":
        this.#report({ event: "warning", message: `${this.agent.name}: ${event.value.message}` });
        break;
      default: // the start and the end of a stream are told by its mover
    }
  }

  #endOf(toolId: string): PromiseWithResolvers<ToolEnd> {
    const known = this.#toolEnds.get(toolId);
    if (known !== undefined) return known;
    const created = Promise.withResolvers<ToolEnd>();
    this.#toolEnds.set(toolId, created);
    return created;
  }
}

function toStreamError(host: string, { name, code, message }: StreamFailed): PenstockError {
  return new PenstockError(
    code === "damaged" ? code : "failed",
    `stream ${name} of ${host}: ${message}`,
  );
}

function toToolEnd({ exitCode, signal, stderrTail, toolId }: ToolExited): ToolEnd {
  const outcome = signal === "" ? { exitCode } : { signal };
  return { name: toolId, ...outcome, stderrTail };
}
