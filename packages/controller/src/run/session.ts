import { randomBytes } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { hasCode, PenstockError, PROTOCOL } from "@penstock/common";
import type { BeginRunRequest, PluginRequest, RunRef } from "@penstock/proto";
import type { AgentLine, Reporter } from "../runs/report.ts";
import type { AgentClient } from "./agent-client.ts";
import { HeldRun } from "./held-run.ts";
import { patiently } from "./patiently.ts";
import { together } from "./together.ts";

const CLEAN_UP_TIMEOUT_MS = 10_000;
/** Cleaning up must not wait for a host that is gone: its own lease does it. */
const LOST_CLEAN_UP_TIMEOUT_MS = 1_000;
/** A connection that broke is made again; a host that is gone is not worth more. */
const CLEAN_UP_PATIENCE_MS = 1_000;
const TOOL_EXIT_FIRST_MS = 1_000;

/** What opens a session. */
export interface SessionOptions {
  readonly cluster: string;
  readonly plan: string;
  readonly run: string;
  readonly agents: readonly AgentClient[];
  readonly leaseMs: number;
  readonly report: Reporter;
}

/** Whom a session tells what it hears from its agents. */
export interface SessionListener {
  readonly report: Reporter;
  line(line: AgentLine): void;
}

/** Serves a plugin process of a host; must not throw. */
export type ServePlugin = (host: string, request: PluginRequest) => void;

/**
 * A run that is open on all its agents: locked, leased and watched. Its signal aborts with the
 * first failure, which is the run's cause; everything that waits in the run waits on that signal.
 */
export class Session {
  readonly ref: RunRef;
  readonly leaseMs: number;
  readonly signal: AbortSignal;
  readonly #abort = new AbortController();
  readonly #held = new Map<string, HeldRun>();
  readonly #optional: Set<string> = new Set();
  /** By stream: never opened, though nobody will open it any more. */
  readonly #missing: Map<string, PromiseWithResolvers<never>> = new Map();
  /** What agents log before anybody listens: little, or what they kept for a run that is taken over. */
  readonly #early: AgentLine[] = [];
  #listener: SessionListener;
  /** Until somebody serves them. */
  readonly #requests: [host: string, request: PluginRequest][] = [];
  #servePlugin: ServePlugin = (...asked) => void this.#requests.push(asked);
  /** By stream: who wants to know that it failed on its host, instead of the run. */
  readonly #tolerated: Map<string, (error: PenstockError) => void> = new Map();

  private constructor(options: SessionOptions, ref: RunRef, signal: AbortSignal) {
    this.ref = ref;
    this.leaseMs = options.leaseMs;
    this.signal = AbortSignal.any([signal, this.#abort.signal]);
    this.#listener = { report: options.report, line: (line) => this.#early.push(line) };
    const report: Reporter = (told) => this.#listener.report(told);
    const onLine = (line: AgentLine): void => this.#listener.line(line);
    for (const agent of options.agents) {
      const onStreamFailed = (stream: string, error: PenstockError): void => {
        const tolerating = this.#tolerated.get(stream);
        if (tolerating !== undefined) tolerating(error);
        else if (!this.#mayMiss(stream, error)) this.#failSoon(error);
      };
      const onPluginRequest = (request: PluginRequest): void =>
        this.#servePlugin(agent.name, request);
      const events = { report, onLine, onStreamFailed, onPluginRequest };
      this.#held.set(agent.name, new HeldRun({ agent, ref, leaseMs: this.leaseMs, ...events }));
    }
  }

  /**
   * Takes the plan's lock and a lease on every agent. The agent whose name sorts first is asked
   * alone: of two runs that begin at the same time exactly one passes it. Throws `locked`; then
   * nothing is held anywhere.
   */
  static async open(options: SessionOptions, signal: AbortSignal): Promise<Session> {
    const ref = { run: options.run, token: randomBytes(32) };
    const session = new Session(options, ref, signal);
    const request = {
      protocol: PROTOCOL,
      ...ref,
      plan: options.plan,
      holder: `${userInfo().username}@${hostname()}, process ${process.pid}`,
      cluster: options.cluster,
      leaseMs: options.leaseMs,
    };
    const [arbiter, ...others] = [...options.agents].sort((a, b) => a.name.localeCompare(b.name));
    if (arbiter === undefined)
      throw new PenstockError("usage", `plan ${options.plan} has no hosts`);
    try {
      await session.#begin(arbiter, request, signal);
      await together(others, (agent) => session.#begin(agent, request, signal));
    } catch (error) {
      await session.release();
      throw error;
    }
    return session;
  }

  /**
   * Takes over a run that its agents still hold, from a controller that is dead. Throws `not_found`
   * for an agent that knows it no more, and `unreachable`; then nothing has changed anywhere.
   */
  static async adopt(
    options: SessionOptions,
    token: Uint8Array,
    signal: AbortSignal,
  ): Promise<Session> {
    const ref = { run: options.run, token: Buffer.from(token) };
    const forMs = options.leaseMs; // one that is away for a moment may come back in time
    await together(options.agents, (agent) =>
      patiently(() => agent.renewLease(ref, signal), { forMs }, signal),
    );
    const session = new Session(options, ref, signal);
    for (const held of session.#held.values()) session.guard(held.hold(session.signal));
    return session;
  }

  /** The run's share of one agent. */
  held(host: string): HeldRun {
    const held = this.#held.get(host);
    if (held === undefined) throw new PenstockError("internal", `${host} has no part in this run`);
    return held;
  }

  /** The agents whose connections are broken now. */
  get cutOff(): string[] {
    return [...this.#held].flatMap(([name, { isCutOff }]) => (isCutOff ? [name] : []));
  }

  /** All agents of the run. */
  get agents(): AgentClient[] {
    return [...this.#held.values()].map((held) => held.agent);
  }

  /** From now on this one is told what happens, and now what agents have logged so far. */
  reportTo(listener: SessionListener): void {
    this.#listener = listener;
    for (const line of this.#early.splice(0)) listener.line(line);
  }

  /** From now on this one serves plugin processes, and now those that wait already. */
  servePlugins(serve: ServePlugin): void {
    this.#servePlugin = serve;
    for (const asked of this.#requests.splice(0)) serve(...asked);
  }

  /** The run fails for this reason, unless it already has another. */
  fail(reason: unknown): void {
    this.#abort.abort(reason);
  }

  /** The promise's failure is the run's. */
  guard(promise: Promise<unknown>): void {
    promise.catch((error: unknown) => this.fail(error));
  }

  /**
   * As `guard`, for a stream. Often a stream breaks because its tool has died; the tool's exit says
   * more, so it gets a moment to arrive and to be the run's cause.
   */
  guardStream(promise: Promise<unknown>): void {
    promise.catch((error: unknown) => this.#failSoon(error));
  }

  /** The run is whole without this stream, if its pipe is never opened. */
  allowMissing(stream: string): void {
    this.#optional.add(stream);
  }

  /** Rejects with `not_found` once it is certain that nobody opens this stream's pipe. */
  whenMissing(stream: string): Promise<never> {
    return this.#missingOf(stream).promise;
  }

  /** Nobody opens this stream's pipe any more; unless it may be missing, the run fails. */
  miss(stream: string, error: PenstockError): void {
    this.#missingOf(stream).reject(error);
  }

  /** The failure of this stream on its host is not the run's: whoever tolerates it is told. */
  tolerate(stream: string, onFailed: (error: PenstockError) => void): void {
    this.#tolerated.set(stream, onFailed);
  }

  /** Ends the run everywhere: tools are stopped and everything made is removed. Never throws. */
  async abort(reason: string): Promise<void> {
    this.fail(new PenstockError("failed", reason));
    await this.#everywhere((agent, signal) => agent.abortRun({ ref: this.ref, reason }, signal));
  }

  /** Ends a run whose tools have ended. Never throws. */
  async release(): Promise<void> {
    this.fail(new DOMException("released", "AbortError"));
    await this.#everywhere((agent, signal) => agent.releaseRun(this.ref, signal));
  }

  /** The lease runs from here on, however long the others take. */
  async #begin(agent: AgentClient, request: BeginRunRequest, signal: AbortSignal): Promise<void> {
    const forMs = this.leaseMs; // for so long the agent keeps what it may have begun
    await patiently(() => agent.beginRun(request, signal), { forMs }, signal);
    this.guard(this.held(agent.name).hold(this.signal));
  }

  #missingOf(stream: string): PromiseWithResolvers<never> {
    const known = this.#missing.get(stream);
    if (known !== undefined) return known;
    const missing = Promise.withResolvers<never>();
    missing.promise.catch(() => {}); // nobody may be waiting for it any more
    this.#missing.set(stream, missing);
    return missing;
  }

  #mayMiss(stream: string, error: PenstockError): boolean {
    return error.code === "not_found" && this.#optional.has(stream);
  }

  #failSoon(error: unknown): void {
    const isOwnCause = hasCode(error, "damaged");
    setTimeout(() => this.fail(error), isOwnCause ? 0 : TOOL_EXIT_FIRST_MS).unref();
  }

  async #everywhere(
    action: (agent: AgentClient, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const told = [...this.#held.values()].map(async (held) => {
      const limitMs = held.isLost ? LOST_CLEAN_UP_TIMEOUT_MS : CLEAN_UP_TIMEOUT_MS;
      const signal = AbortSignal.timeout(limitMs);
      const tell = (): Promise<void> => action(held.agent, signal);
      try {
        await patiently(tell, { forMs: CLEAN_UP_PATIENCE_MS }, signal);
        await held.hearOut();
      } finally {
        held.hangUp();
      }
    });
    // An agent that cannot be told cleans up when its lease ends.
    await Promise.allSettled(told);
  }
}
