import { setTimeout as delay } from "node:timers/promises";
import {
  abortable,
  formatDuration,
  hasCode,
  PenstockError,
  type ToolOutcome,
  toPenstockError,
} from "@penstock/common";
import type { RunEvent, RunRef, StreamFailed, ToolExited } from "@penstock/proto";
import type { AgentClient } from "./agent-client.ts";
import type { Reporter } from "./report.ts";

/** How often a lease is renewed, and how many renewals may get lost in a short one. */
const RENEW_EVERY_MS = 5_000;
const RENEWALS_PER_LEASE = 3;
const RETRY_PAUSE_MS = 500;

/** A tool's end as the agent saw it. `name` is the tool's id. */
export type ToolEnd = ToolOutcome & { readonly stderrTail: string };

/** What a HeldRun is made of. */
export interface HeldRunOptions {
  readonly agent: AgentClient;
  readonly ref: RunRef;
  readonly leaseMs: number;
  readonly report: Reporter;
  readonly onStreamFailed: (stream: string, error: PenstockError) => void;
}

/**
 * One agent's share of a run, as long as we hold it: keeps the lease, follows the events, and hands
 * out what happens.
 */
export class HeldRun {
  readonly agent: AgentClient;
  readonly #ref: RunRef;
  readonly #leaseMs: number;
  readonly #report: Reporter;
  readonly #toolEnds = new Map<string, PromiseWithResolvers<ToolEnd>>();
  readonly #onStreamFailed: HeldRunOptions["onStreamFailed"];
  #lastEvent = 0n;
  #lastSignMs = 0;
  #lastBreak: PenstockError | undefined;

  constructor({ agent, ref, leaseMs, report, onStreamFailed }: HeldRunOptions) {
    this.agent = agent;
    this.#ref = ref;
    this.#leaseMs = leaseMs;
    this.#report = report;
    this.#onStreamFailed = onStreamFailed;
  }

  /** Holds the run until the signal aborts. Throws when the agent is lost or aborts by itself. */
  async hold(signal: AbortSignal): Promise<void> {
    this.#seen();
    await Promise.race([this.#renew(signal), this.#follow(signal), this.#expectLife(signal)]);
  }

  /** No sign of life for a whole lease: by now the agent has given up the run, if it is there at all. */
  get isLost(): boolean {
    return performance.now() - this.#lastSignMs >= this.#leaseMs;
  }

  /** The end of a tool, whether it has already been seen or not. */
  toolEnd(toolId: string): Promise<ToolEnd> {
    return this.#endOf(toolId).promise;
  }

  async #renew(signal: AbortSignal): Promise<void> {
    const everyMs = Math.min(RENEW_EVERY_MS, this.#leaseMs / RENEWALS_PER_LEASE);
    for (;;) {
      await delay(everyMs, undefined, { signal });
      await this.#patiently(() => this.agent.renewLease(this.#ref, signal), signal);
      this.#seen();
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    for (;;) await this.#patiently(() => this.#followOnce(signal), signal);
  }

  async #followOnce(signal: AbortSignal): Promise<void> {
    const events = this.agent.watch(this.#ref, this.#lastEvent, signal);
    for await (const event of abortable(events, signal)) {
      this.#lastEvent = event.number;
      this.#seen();
      this.#take(event);
    }
    throw new PenstockError("unreachable", `agent ${this.agent.name}: it ended the event stream`);
  }

  /** Tries again while the agent does not answer; how long is for `#expectLife` to say. */
  async #patiently(action: () => Promise<void>, signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await action();
        break;
      } catch (error) {
        signal.throwIfAborted();
        if (!hasCode(error, "unreachable")) throw this.#explained(error);
        this.#lastBreak = error;
      }
      await delay(RETRY_PAUSE_MS, undefined, { signal });
    }
  }

  /** Throws when the agent is lost: also one that hangs, so that its calls do not even fail. */
  async #expectLife(signal: AbortSignal): Promise<void> {
    while (!this.isLost) {
      const restMs = this.#lastSignMs + this.#leaseMs - performance.now();
      await delay(Math.max(restMs, 1), undefined, { signal });
    }
    const { name, address } = this.agent;
    const last = this.#lastBreak?.message ?? `agent ${name} (${address}): it does not answer`;
    const message = `${last}; no sign of life for ${formatDuration(this.#leaseMs)}`;
    throw new PenstockError("unreachable", message, { cause: this.#lastBreak });
  }

  #seen(): void {
    this.#lastSignMs = performance.now();
    this.#lastBreak = undefined;
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
        this.#onStreamFailed(event.value.name, toStreamError(this.agent.name, event.value));
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
    code === "damaged" || code === "not_found" ? code : "failed",
    `stream ${name} of ${host}: ${message}`,
  );
}

function toToolEnd({ exitCode, signal, stderrTail, toolId }: ToolExited): ToolEnd {
  const outcome = signal === "" ? { exitCode } : { signal };
  return { name: toolId, ...outcome, stderrTail };
}
