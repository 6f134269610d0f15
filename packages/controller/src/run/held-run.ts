import {
  abortable,
  formatDuration,
  hasCode,
  PenstockError,
  systemClock,
  type ToolOutcome,
  toPenstockError,
} from "@penstock/common";
import type { PluginRequest, RunEvent, RunRef, StreamFailed, ToolExited } from "@penstock/proto";
import type { AgentLine, Reporter } from "../runs/report.ts";
import type { AgentClient } from "./agent-client.ts";
import { patiently } from "./patiently.ts";

/** How often a lease is renewed, and how many renewals may get lost in a short one. */
const RENEW_EVERY_MS = 5_000;
const RENEWALS_PER_LEASE = 3;
/** How often at least an agent that does not answer is tried again until its lease ends. */
const TRIES_PER_LEASE = 6;
const LONGEST_PAUSE_MS = 2_000;
/** An agent that has ended a run has told all of it; what is still on its way takes no longer. */
const LAST_WORDS_MS = 2_000;

const LOOK_EVERY_MS = 500;
/** Such a time between two looks tells that this process was stopped. */
const STANDSTILL_MS = 2_000;

/** A tool's end as the agent saw it. `name` is the tool's id. */
export type ToolEnd = ToolOutcome & { readonly stderrTail: string; readonly stdoutTail: string };

/** What a HeldRun is made of. */
export interface HeldRunOptions {
  readonly agent: AgentClient;
  readonly ref: RunRef;
  readonly leaseMs: number;
  readonly report: Reporter;
  readonly onLine: (line: AgentLine) => void;
  readonly onStreamFailed: (stream: string, error: PenstockError) => void;
  readonly onPluginRequest: (request: PluginRequest) => void;
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
  readonly #onLine: HeldRunOptions["onLine"];
  readonly #toolEnds = new Map<string, PromiseWithResolvers<ToolEnd>>();
  readonly #openings = new Map<string, PromiseWithResolvers<void>>();
  readonly #onStreamFailed: HeldRunOptions["onStreamFailed"];
  readonly #onPluginRequest: HeldRunOptions["onPluginRequest"];
  /** Not of the run: its first failure is not the last that is to be heard of it. */
  readonly #listening = new AbortController();
  readonly #gaveUp: PromiseWithResolvers<never> = Promise.withResolvers();
  #followed: Promise<void> = Promise.resolve();
  #lastEvent = 0n;
  #lastSignMs: number = performance.now();
  #lastBreak: PenstockError | undefined;
  #lookedMs: number = performance.now();
  /** How long this process itself was stopped, and until when that explains what agents have done. */
  #standstill: { readonly ms: number; readonly explainsUntilMs: number } | undefined;

  constructor({ agent, ref, leaseMs, report, ...listeners }: HeldRunOptions) {
    this.agent = agent;
    this.#ref = ref;
    this.#leaseMs = leaseMs;
    this.#report = report;
    this.#onLine = listeners.onLine;
    this.#onStreamFailed = listeners.onStreamFailed;
    this.#onPluginRequest = listeners.onPluginRequest;
    this.#gaveUp.promise.catch(() => {}); // nobody may be holding the run any more
  }

  /**
   * Holds the run until the signal aborts. Throws when the agent is lost or aborts by itself. Events
   * are followed beyond that, until `hearOut` or `hangUp`.
   */
  async hold(signal: AbortSignal): Promise<void> {
    this.#seen();
    this.#lookedMs = performance.now();
    this.#followed = this.#follow(signal);
    this.#followed.catch(() => {}); // the race has it, if it is still on
    const ends = [this.#gaveUp.promise, this.#renew(signal), this.#expectLife(signal)];
    await Promise.race([this.#followed, ...ends]);
  }

  /**
   * After the agent was asked to end the run: resolves when it has told what there was to tell, or
   * 2 s later. Never throws.
   */
  async hearOut(): Promise<void> {
    const limit = systemClock.delay(LAST_WORDS_MS, this.#listening.signal);
    await Promise.race([this.#followed, limit]).catch(() => {});
    this.hangUp();
    await limit.catch(() => {});
  }

  /** Events are followed no longer. */
  hangUp(): void {
    this.#listening.abort(new DOMException("the run is over", "AbortError"));
  }

  /** No sign of life for a whole lease: by now the agent has given up the run, if it is there at all. */
  get isLost(): boolean {
    return performance.now() - this.#lastSignMs >= this.#leaseMs;
  }

  /** The connection has broken, and is not back yet. */
  get isCutOff(): boolean {
    return this.#lastBreak !== undefined;
  }

  /** The end of a tool, whether it has already been seen or not. */
  toolEnd(toolId: string): Promise<ToolEnd> {
    return firstOf(this.#toolEnds, toolId).promise;
  }

  /** A stream's tool has opened its side of the pipe, whether that has already been seen or not. */
  streamOpened(stream: string): Promise<void> {
    return firstOf(this.#openings, stream).promise;
  }

  /**
   * Calls the agent; `action` is repeated while there is no answer, so it must be harmless to repeat.
   * `signal` has to abort when `hold` fails: that is what says how long it is worth trying.
   */
  async call<Result>(
    action: (agent: AgentClient) => Promise<Result>,
    signal: AbortSignal,
  ): Promise<Result> {
    const longestPauseMs = Math.min(LONGEST_PAUSE_MS, this.#leaseMs / TRIES_PER_LEASE);
    const onBreak = (error: PenstockError): void => this.#broke(error);
    const result = await patiently(() => action(this.agent), { longestPauseMs, onBreak }, signal);
    this.#seen();
    return result;
  }

  async #renew(signal: AbortSignal): Promise<void> {
    for (;;) {
      await systemClock.delay(this.#renewEveryMs, signal);
      await this.#held((agent) => agent.renewLease(this.#ref, signal), signal);
    }
  }

  get #renewEveryMs(): number {
    return Math.min(RENEW_EVERY_MS, this.#leaseMs / RENEWALS_PER_LEASE);
  }

  /** Once the signal has aborted, what breaks is not tried again. */
  async #follow(signal: AbortSignal): Promise<void> {
    await this.#held((agent) => this.#followOnce(agent), signal);
  }

  async #followOnce(agent: AgentClient): Promise<never> {
    const { signal } = this.#listening;
    const events = agent.watch(this.#ref, this.#lastEvent, signal);
    for await (const event of abortable(events, signal)) {
      this.#lastEvent = event.number;
      this.#seen();
      this.#take(event);
    }
    throw new PenstockError("unreachable", `agent ${this.agent.name}: it ended the event stream`);
  }

  /** As `call`, for what only fails with the run itself. */
  async #held(action: (agent: AgentClient) => Promise<void>, signal: AbortSignal): Promise<void> {
    try {
      await this.call(action, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw this.#explained(error);
    }
  }

  /** Throws when the agent is lost: also one that hangs, so that its calls do not even fail. */
  async #expectLife(signal: AbortSignal): Promise<void> {
    while (!this.isLost) {
      await systemClock.delay(LOOK_EVERY_MS, signal);
      this.#look();
    }
    const { name, address } = this.agent;
    const last = this.#lastBreak?.message ?? `agent ${name} (${address}): it does not answer`;
    const message = `${last}; no sign of life for ${formatDuration(this.#leaseMs)}`;
    throw new PenstockError("unreachable", message, { cause: this.#lastBreak });
  }

  /** Of all calls that fail together only the first one is told. */
  #broke(error: PenstockError): void {
    if (this.#lastBreak === undefined) {
      this.#report({ event: "warning", message: `${error.message}; trying again` });
    }
    this.#lastBreak = error;
  }

  #seen(): void {
    this.#lastSignMs = performance.now();
    this.#lastBreak = undefined;
  }

  /** Whoever was stopped himself must not take the others for lost before he has heard them. */
  #look(): void {
    const nowMs = performance.now();
    const ms = nowMs - this.#lookedMs;
    this.#lookedMs = nowMs;
    if (ms < STANDSTILL_MS) return;
    this.#seen();
    // No lease runs out in less.
    if (ms < this.#leaseMs - this.#renewEveryMs - LOOK_EVERY_MS) return;
    this.#standstill = { ms, explainsUntilMs: nowMs + this.#leaseMs };
  }

  /** If we have stood still for too long, that is the cause. What has come meanwhile may be heard first. */
  #blaming(message: string): string {
    this.#look();
    if (this.#standstill === undefined) return message;
    const { ms, explainsUntilMs } = this.#standstill;
    if (performance.now() > explainsUntilMs) return message;
    const still = formatDuration(Math.round(ms / 1000) * 1000);
    return `this controller stood still for ${still}: ${message}`;
  }

  #explained(error: unknown): PenstockError {
    if (!hasCode(error, "not_found")) return toPenstockError(error, `agent ${this.agent.name}`);
    const message = this.#blaming(
      `agent ${this.agent.name} no longer knows the run: it was restarted, or the lease ran out`,
    );
    return new PenstockError("failed", message, { cause: error });
  }

  #toGivenUp(reason: string): PenstockError {
    const message = `agent ${this.agent.name} gave up the run: ${reason}`;
    return new PenstockError("failed", this.#blaming(message));
  }

  #take({ event, number, atMs }: RunEvent): void {
    switch (event?.$case) {
      case "toolExited":
        firstOf(this.#toolEnds, event.value.toolId).resolve(toToolEnd(event.value));
        break;
      case "streamOpened":
        firstOf(this.#openings, event.value.name).resolve();
        break;
      case "runAborted":
        this.#gaveUp.reject(this.#toGivenUp(event.value.reason));
        break;
      case "streamFailed":
        this.#onStreamFailed(event.value.name, toStreamError(this.agent.name, event.value));
        break;
      case "pluginRequest":
        this.#onPluginRequest(event.value);
        break;
      case "log":
        this.#onLine({
          ...event.value,
          ...{ host: this.agent.name, number: Number(number), atMs: Number(atMs) },
        });
        break;
      default: // the end of a stream is told by its mover
    }
  }
}

/** What somebody waits for, or what has come before anybody did. */
function firstOf<T>(
  all: Map<string, PromiseWithResolvers<T>>,
  name: string,
): PromiseWithResolvers<T> {
  const known = all.get(name);
  if (known !== undefined) return known;
  const created = Promise.withResolvers<T>();
  all.set(name, created);
  return created;
}

function toStreamError(host: string, { name, code, message }: StreamFailed): PenstockError {
  return new PenstockError(
    code === "damaged" || code === "not_found" ? code : "failed",
    `stream ${name} of ${host}: ${message}`,
  );
}

function toToolEnd({ exitCode, signal, stderrTail, stdoutTail, toolId }: ToolExited): ToolEnd {
  const outcome = signal === "" ? { exitCode } : { signal };
  return { name: toolId, ...outcome, stderrTail, stdoutTail };
}
